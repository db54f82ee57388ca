/*
 * vas2.c - the address spaces of the document's processes.
 *
 * Invariant: what a space's pages are made of is in its lists, and nothing else.
 * Locks: vas_lock, over all lists; vm2's is taken within.
 */
#include <string.h>

#include <vas2.h>

#include "armv7.h"

#define FIRST_PLACES 10u

static struct tome_mutex vas_lock;

/* One more will fit. False: no memory. */
static bool
reserve(struct vas2_list *l)
{
	size_t more = l->capacity == 0 ? FIRST_PLACES : 2 * l->capacity;
	void **at;

	if (l->count < l->capacity)
		return true;
	at = tome_kmalloc(armv7_vm.vm, more * sizeof *at);
	if (at == NULL)
		return false;
	if (l->count > 0)
		memcpy(at, l->at, l->count * sizeof *at);
	tome_kfree(armv7_vm.vm, l->at);
	l->at = at;
	l->capacity = more;
	return true;
}

struct vas2 *
create_vas(void)
{
	struct vas2 *vas = tome_kzalloc(armv7_vm.vm, sizeof *vas);

	if (vas == NULL)
		return NULL;
	vas->l1PageTable = pmm_allocate_l1_pagetable();
	if (vas->l1PageTable == NULL) {
		tome_kfree(armv7_vm.vm, vas);
		return NULL;
	}
	vas->asid = asid_request_descriptor();
	return vas;
}

void
switch_to_vas(struct vas2 *vas)
{
	if (vas == NULL) {
		armv7_vm.hooks.warn("vas2: no space");
		return;
	}
	if (asid_check_and_update(&vas->asid))
		vm2_flush_caches_of_ASID(vas->asid.asid);
	asid_set(vas->asid.asid);
	vm2_set_user_pagetable(vas->l1PageTable);
}

void
free_vas(struct vas2 *vas)
{
	if (vas == NULL)
		return;
	if (armv7_pmap(vas->l1PageTable) == tome_pmap_current(armv7_vm.vm)) {
		armv7_vm.hooks.warn("vas2: freed the space that runs");
		return;
	}
	for (size_t i = 0; i < vas->pages.count; i++)
		pmm_free_page(vas->pages.at[i]);
	for (size_t i = 0; i < vas->l2tables.count; i++)
		pmm_free_l2_pagetable(vas->l2tables.at[i]);
	pmm_free_l1_pagetable(vas->l1PageTable);
	tome_kfree(armv7_vm.vm, vas->pages.at);
	tome_kfree(armv7_vm.vm, vas->l2tables.at);
	tome_kfree(armv7_vm.vm, vas);
}

static bool
give_page(struct vas2 *vas, size_t address, bool executable)
{
	struct PagePermission user = { UserRW, executable };
	struct L2PageTable *l2;
	void *page;

	if (!reserve(&vas->pages) || !reserve(&vas->l2tables))
		return false;
	page = vm2_allocate_page(vas->l1PageTable, address, false, user, &l2);
	if (page == NULL)
		return false;
	vas->pages.at[vas->pages.count++] = page;
	if (l2 != NULL)
		vas->l2tables.at[vas->l2tables.count++] = l2;
	return true;
}

void
allocate_page(struct vas2 *vas, size_t address, bool executable)
{
	bool ok;

	tome_lock(armv7_vm.vm, &vas_lock);
	ok = vas != NULL && give_page(vas, address, executable);
	tome_unlock(armv7_vm.vm, &vas_lock);
	if (!ok)
		armv7_vm.hooks.warn("vas2: no page");
}
