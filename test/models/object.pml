/*
 * object.pml: faults on a shared object against its truncation and against munmap of one of its mappings.
 *
 *   cpu(0), cpu(1)  NACC reads or writes each; cpu 0 in space 0, cpu 1 in space 0 or 1; both map the object
 *   trunc           stores the new length, then visits the chunk (src/object/resize.c); may then grow it again
 *   unmapper        munmap in space 0 (UNMAP=0: none): clears under the leaf's lock, flushes later
 *
 * One page, one chunk; an anon and its frame are one here; translations are writable. TLB sets as in fault.pml.
 * A mapping holds no count of the object's pages. So the frame that truncation drops may still be in a TLB
 * although no translation of it is left to be found: one that munmap has cleared and will flush. Hence: the
 * frame goes back after an epoch; whoever clears translations flushes them inside the same section.
 */
#ifndef NACC
#define NACC 2
#endif
#ifndef UNMAP
#define UNMAP 1
#endif
#define NF 4			/* frame 0: none */
#define DEAD 9
#define POISON 7

bit size; bit ch_lk; byte slot;
bit an_lk[NF]; bit used[NF]; byte fval[NF];
bit mapped[2]; byte seq[2]; bit lf_lk[2]; byte pte[2];
byte tlb[4];			/* [cpu*2+space] set of frames */
bit section;			/* unmapper is inside its epoch section */
bit olive; byte oval; bit omap[2];	/* oracle: is there content, which, and who maps it */
bit shrinking; byte limbo; byte done;	/* limbo: dropped, waits for its epoch */

#define TLB(c,s) tlb[(c)*2+(s)]
#define LOCK(l)  atomic { l == 0 -> l = 1 }
#define UNLOCK(l) l = 0

byte i_, m_;
inline check() {
	m_ = 0; i_ = 1;
	do
	:: i_ < NF -> m_ = m_ | ((used[i_] && olive && fval[i_] == oval) << i_); i_++
	:: else -> break
	od;
	/* what munmap is about to flush may be seen until it has */
	assert(((tlb[0] | tlb[2]) & ~(omap[0] -> m_ | (mapped[0] || !limbo -> 0 : 1 << limbo) : 0)) == 0);
	assert(((tlb[1] | tlb[3]) & ~(omap[1] -> m_ : 0)) == 0);
	i_ = 0; m_ = 0
}
inline flush(s) {
	d_step { TLB(0,s) = (pte[s] -> 1 << pte[s] : 0) };
	d_step { TLB(1,s) = (pte[s] -> 1 << pte[s] : 0) }
}
inline getframe(r) {
	r = 1;
	do
	:: used[r] -> r++
	:: else -> break
	od;
	assert(r < NF);
	used[r] = 1; fval[r] = 0
}
inline putframe(f) {		/* invariant 5 */
	assert(used[f] && pte[0] != f && pte[1] != f);
	assert((((tlb[0] | tlb[1] | tlb[2] | tlb[3]) >> f) & 1) == 0);
	used[f] = 0; fval[f] = POISON
}

proctype cpu(byte c)
{
	byte n, s, w, sq, f;

	do
	:: n == NACC -> break
	:: else ->
		atomic { n++; if :: w = 0 :: w = 1 fi; if :: s = 0 :: c == 1 -> s = 1 fi }
again:		atomic {
			if
			:: TLB(c,s) && !w -> goto next
			:: TLB(c,s) && w ->
				d_step {
					f = 1;
					do
					:: ((TLB(c,s) >> f) & 1) == 0 -> f++
					:: else -> break
					od;
					if :: f != limbo -> oval = (oval == 1 -> 2 : 1); fval[f] = oval :: else fi;
					check(); f = 0
				}
				goto next
			:: pte[s] == 0
			fi
		}
		atomic { if :: !mapped[s] -> goto next :: else -> sq = seq[s] fi }
		if :: sq & 1 -> seq[s] != sq; goto again :: else fi;
		atomic { if :: size == 0 -> assert(shrinking); goto next :: else fi };	/* SIGBUS */
		LOCK(ch_lk);
#ifndef V_NOLEN
		if :: size == 0 -> UNLOCK(ch_lk); goto again :: else fi;
#endif
		f = slot;
		if :: f == 0 -> d_step { getframe(f); slot = f } :: else fi;
		LOCK(an_lk[f]);
#ifdef V_NOHOLD
		UNLOCK(an_lk[f]);
		UNLOCK(ch_lk);
#endif
		LOCK(lf_lk[s]);
#ifndef V_NOSEQ
		if :: seq[s] != sq -> goto unleaf :: else fi;
#endif
		atomic {
			if
			:: pte[s] == 0 ->
				d_step {
					pte[s] = f;
					TLB(0,s) = TLB(0,s) | (1 << f);
					TLB(1,s) = TLB(1,s) | (1 << f);
					check()
				}
			:: else
			fi
		};
unleaf:		UNLOCK(lf_lk[s]);
#ifndef V_NOHOLD
		UNLOCK(an_lk[f]);
		UNLOCK(ch_lk);
#endif
		atomic { f = 0; sq = 0; goto again }
next:		atomic { s = 0; w = 0; f = 0; sq = 0 }
	od;
	done++
}

proctype trunc()
{
	byte f, s; bit hit, inside;

	shrinking = 1;
#ifndef V_LENLATE
	size = 0;
#endif
	LOCK(ch_lk);
	f = slot;
	if
	:: f ->
		LOCK(an_lk[f]);
		do
		:: s < 2 ->
			if
			:: pte[s] == f ->	/* a pv record says so; looked at again under the lock */
				LOCK(lf_lk[s]);
				if :: pte[s] == f -> pte[s] = 0; hit = 1 :: else fi;
				UNLOCK(lf_lk[s]);
#ifndef V_FREEFIRST
				if :: hit -> flush(s); hit = 0 :: else fi
#endif
			:: else
			fi;
			s++
		:: else -> break
		od;
		atomic { slot = 0; s = 0; hit = 0; limbo = f; UNLOCK(an_lk[f]) }
	:: else
	fi;
#ifdef V_LENLATE
	UNLOCK(ch_lk);
	size = 0;
#endif
	d_step { olive = 0; oval = 0; check() };
#ifndef V_LENLATE
	UNLOCK(ch_lk);
#endif
	inside = section;
	if
	:: d_step { size = 1; olive = 1; shrinking = 0 }	/* grows again, before the epoch ends or after */
	:: skip
	fi;
#ifndef V_NOEPOCH
	atomic { !inside || !section -> inside = 0 };
#endif
	d_step { if :: f -> limbo = 0; putframe(f) :: else fi; f = 0 };
	done++
}

proctype unmapper()
{
	if :: UNMAP == 0 -> goto fin :: else fi;
	atomic { (seq[0] & 1) == 0 -> seq[0]++ };
	section = 1;
	mapped[0] = 0;
	LOCK(lf_lk[0]);
	pte[0] = 0;
	UNLOCK(lf_lk[0]);
#ifdef V_NOSECTION
	section = 0;
#endif
	flush(0);
	d_step { omap[0] = 0; check() };
	section = 0;
	seq[0] = DEAD + 1;
fin:	done++
}

init {
	atomic {
		size = 1; olive = 1; mapped[0] = 1; mapped[1] = 1; omap[0] = 1; omap[1] = 1;
		fval[0] = POISON; fval[1] = POISON; fval[2] = POISON; fval[3] = POISON;
		if
		:: slot = 1; used[1] = 1; fval[1] = 1; oval = 1;
			if :: pte[0] = 1; tlb[0] = 2; tlb[2] = 2 :: skip fi;
			if :: pte[1] = 1; tlb[1] = 2; tlb[3] = 2 :: skip fi
		:: skip
		fi;
		run cpu(0); run cpu(1); run trunc(); run unmapper()
	}
	atomic {
		done == 4 ->
		d_step {
			check();
			i_ = 1;
			do
			:: i_ < NF -> assert(used[i_] == (slot == i_) && an_lk[i_] == 0); i_++
			:: else -> break
			od;
			i_ = 0;
			assert(size || slot == 0);
			assert(slot == 0 || fval[slot] == oval);
			assert(ch_lk == 0 && lf_lk[0] == 0 && lf_lk[1] == 0)
		}
	}
}
