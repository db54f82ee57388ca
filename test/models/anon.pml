/*
 * anon.pml: a chunk shared by two amaps (and a third, idle one), one page, several ways at it.
 *
 *   cpu(0), cpu(1)  NACC reads or writes each; cpu 0 in space 0, cpu 1 in space 0 or 1 (tagged TLBs)
 *   daemon          NOUT page-outs: from a frame to its anon, try-lock, unmap, flush, write, free
 *   dontneed        one MADV_DONTNEED of space 0 or 1 (DN=0: none), as src/map/discard.c
 *
 * The number of the entry does not change here. Chunk slots hold anons; an anon has a frame or a swap
 * slot. TLB sets, oracle and check() as in fault.pml; check() also asserts invariant 2 all the time:
 * a frame that anybody may write has an anon whose count, and whose chunk's count, is 1.
 *
 * Page-out flushes only what it cleared itself (src/pmap/reverse.c). What DONTNEED has cleared and not yet
 * flushed has no pv record any more and is invisible to it: so the frame goes back after an epoch, and whoever
 * clears translations flushes them inside the same section.
 */
#ifndef NACC
#define NACC 2
#endif
#ifndef NOUT
#define NOUT 1
#endif
#ifndef DN
#define DN 1
#endif
#define NF   5			/* frame 0: the zero page */
#define NAN  5			/* anon 0: none */
#define NCH  5			/* chunk 0: none */
#define POISON 7
#define ROBITS 341
#define RWBITS 682

byte dir[3];				/* amap of space 0, 1, and of the idle sibling */
byte ch_cnt[NCH]; bit ch_lk[NCH]; byte slot[NCH];
byte an_cnt[NAN]; bit an_lk[NAN]; byte an_fr[NAN]; byte an_sw[NAN];	/* an_sw: value + 1, 0 none */
bit fused[NF]; byte fown[NF]; byte fval[NF];
bit lf_lk[2]; byte pte[2];
short tlb[4];				/* [cpu*2+space] */
byte oval[2];
byte done; bit section;			/* dontneed is inside its epoch section */

#define TLB(c,s) tlb[(c)*2+(s)]
#define MK(f,w)  (1 + (f)*2 + (w))
#define PW(v)    ((v) != 0 && (((v)-1) & 1))
#define PF(v)    (((v)-1) >> 1)
#define LOCK(l)  atomic { l == 0 -> l = 1 }
#define UNLOCK(l) l = 0

byte i_, j_; short m_;
inline check() {
	i_ = 0;
	do
	:: i_ < 2 ->
		m_ = 0; j_ = 0;
		do
		:: j_ < NF -> if :: fval[j_] == oval[i_] -> m_ = m_ | ((j_ -> 3 : 1) << (j_*2)) :: else fi; j_++
		:: else -> break
		od;
		assert((tlb[i_] & ~m_) == 0);
		assert((tlb[2+i_] & ~m_) == 0);
		i_++
	:: else -> break
	od;
	/* invariant 2 */
	i_ = 1; m_ = tlb[0] | tlb[1] | tlb[2] | tlb[3];
	do
	:: i_ < NF ->
		if
		:: (m_ >> (i_*2+1)) & 1 ->
			assert(fused[i_] && an_cnt[fown[i_]] <= 1);
			j_ = 1;
			do
			:: j_ < NCH -> assert(slot[j_] != fown[i_] || ch_cnt[j_] <= 1); j_++
			:: else -> break
			od
		:: else
		fi;
		i_++
	:: else -> break
	od;
	i_ = 0; j_ = 0; m_ = 0
}
inline setpte(s, v) {
	pte[s] = v;
	TLB(0,s) = TLB(0,s) | (1 << (v-1));
	TLB(1,s) = TLB(1,s) | (1 << (v-1));
	check()
}
inline flush(c, s) { TLB(c,s) = (pte[s] -> (1 << (pte[s]-1)) : 0) }
inline getframe(r, an, v) {
	r = 1;
	do
	:: r < NF && fused[r] -> r++
	:: else -> break
	od;
	assert(r < NF);
	fused[r] = 1; fown[r] = an; fval[r] = v
}
inline freeframe(f) {			/* invariant 5, and no double free */
	assert(fused[f]);
	i_ = 0;
	do
	:: i_ < 4 -> assert(((tlb[i_] >> (f*2)) & 3) == 0); i_++
	:: else -> break
	od;
	i_ = 0;
	assert(pte[0] == 0 || PF(pte[0]) != f);
	assert(pte[1] == 0 || PF(pte[1]) != f);
	fused[f] = 0; fown[f] = 0; fval[f] = POISON
}
inline getanon(r) {
	r = 1;
	do
	:: r < NAN && (an_cnt[r] || an_lk[r] || an_fr[r] || an_sw[r]) -> r++
	:: else -> break
	od;
	assert(r < NAN);
	an_cnt[r] = 1;
#ifndef V_NEWUNLOCKED
	an_lk[r] = 1				/* born locked: the daemon may find its page at once */
#endif
}
inline getchunk(r) {
	r = 1;
	do
	:: r < NCH && (ch_cnt[r] || ch_lk[r]) -> r++
	:: else -> break
	od;
	assert(r < NCH);
	ch_cnt[r] = 1; slot[r] = 0
}
/* drop one reference of an anon; locked: the caller holds its lock */
inline drop(an, locked, tmp) {
#ifdef BUG7
	tmp = an_cnt[an];
	tmp = tmp - 1;
	an_cnt[an] = tmp;
#else
	atomic { assert(an_cnt[an] > 0); an_cnt[an]--; tmp = an_cnt[an] };
#endif
	if
	:: tmp == 0 ->
#ifndef V_FREENOLOCK
		if :: !locked -> LOCK(an_lk[an]) :: else fi;
#endif
		d_step {
			if :: an_fr[an] -> freeframe(an_fr[an]); an_fr[an] = 0 :: else fi;
			an_sw[an] = 0; an_lk[an] = 0
		}
	:: else -> if :: locked -> UNLOCK(an_lk[an]) :: else fi
	fi;
	tmp = 0
}

inline clone(a, ch, t) {		/* ch is locked and shared; leaves with the new chunk, locked */
	d_step { getchunk(t); ch_lk[t] = 1; slot[t] = slot[ch] };
	if
	:: slot[t] ->
#ifdef BUG7
		x = an_cnt[slot[t]];
		x = x + 1;
		an_cnt[slot[t]] = x; x = 0
#else
		an_cnt[slot[t]]++
#endif
	:: else
	fi;
	dir[a] = t;
	ch_cnt[ch]--;
	UNLOCK(ch_lk[ch]);
	ch = t; t = 0
}

proctype cpu(byte c)
{
	byte n, s, w, ch, an, na, f, nf, t, old, x;
	bit cow;

	do
	:: n == NACC -> break
	:: else ->
		atomic { n++; if :: w = 0 :: w = 1 fi; if :: s = 0 :: c == 1 -> s = 1 fi }
again:		atomic {
			if
			:: !w && TLB(c,s) -> goto next
			:: w && (TLB(c,s) & RWBITS) ->
				d_step {
					f = 0;
					do
					:: ((TLB(c,s) >> (f*2+1)) & 1) == 0 -> f++
					:: else -> break
					od;
					oval[s] = (oval[s] == 1 -> 2 : 1);
					fval[f] = oval[s];
					check(); f = 0
				}
				goto next
			:: pte[s] == 0 || (w && !PW(pte[s])) || (w && (TLB(c,s) & ROBITS)) -> skip
			fi
		}
		ch = dir[s];
		atomic {
			if
			:: ch == 0 && w ->
				if :: dir[s] == 0 -> d_step { getchunk(ch); dir[s] = ch } :: else -> ch = dir[s] fi
			:: else
			fi
		}
		if
		:: ch ->
			LOCK(ch_lk[ch]);
#ifndef V_NODIR
			atomic { if :: dir[s] != ch -> goto unlock :: else fi };
#endif
			if :: w && ch_cnt[ch] > 1 -> clone(s, ch, t) :: else fi;
			an = slot[ch]
		:: else
		fi;
		if
		:: an ->
#ifdef V_NOANONLOCK
			LOCK(an_lk[an]); f = an_fr[an]; UNLOCK(an_lk[an]);
			if :: f == 0 -> LOCK(an_lk[an]) :: else fi;
#else
			LOCK(an_lk[an]);
#endif
			f = an_fr[an];
			if
			:: f == 0 ->		/* page in (the wait for the I/O is not modelled) */
				d_step {
					if
					:: an_fr[an] == 0 -> assert(an_sw[an]); getframe(f, an, an_sw[an]-1); an_fr[an] = f; an_sw[an] = 0
					:: else -> f = an_fr[an]
					fi
				}
#ifdef V_NOANONLOCK
				UNLOCK(an_lk[an])
#endif
			:: else
			fi
		:: else
		fi;
		/* the decision table */
		d_step {
			if
			:: !an && !w -> t = MK(0,0)
			:: !an && w -> getanon(na); getframe(nf, na, 0); an_fr[na] = nf; t = MK(nf,1)
#ifdef BUG6
			:: an && an_cnt[an] == 1 -> t = MK(f,1)
			:: an && an_cnt[an] > 1 && !w -> t = MK(f,0)
			:: an && an_cnt[an] > 1 && w -> cow = 1
#else
			:: an && an_cnt[an] == 1 && ch_cnt[ch] == 1 -> t = MK(f,1)
			:: an && (an_cnt[an] > 1 || ch_cnt[ch] > 1) && !w -> t = MK(f,0)
			:: an && (an_cnt[an] > 1 || ch_cnt[ch] > 1) && w -> cow = 1
#endif
			fi;
			if
			:: cow -> getanon(na); getframe(nf, na, fval[f]); an_fr[na] = nf; t = MK(nf,1)
			:: else
			fi
		}
#ifdef V_DROP
		if :: cow -> drop(an, 1, x) :: else fi;
#endif
		LOCK(lf_lk[s]);
#ifndef V_NORECHECK
		atomic { if :: ch == 0 && dir[s] != 0 -> goto unleaf :: else fi }
#endif
		old = pte[s];
		if
		:: old != 0 && (!w || PW(old)) ->		/* spurious */
			d_step {
				assert(ch == 0 || (PF(old) == f && !cow));
				if :: na -> freeframe(nf); an_fr[na] = 0; an_cnt[na] = 0; an_lk[na] = 0; na = 0 :: else fi
			}
		:: else ->
			if :: na -> slot[ch] = na :: else fi;
			if
			:: old == 0 || PF(old) == PF(t) -> d_step { setpte(s, t) }
			:: else ->
#ifdef V_EXCH
				d_step { setpte(s, t) };
#else
				pte[s] = 0;
#endif
				d_step { flush(0, s) };
				d_step { flush(1, s) };
#ifndef V_EXCH
				d_step { setpte(s, t) }
#endif
			fi;
#ifndef V_DROP
			if :: cow -> drop(an, 1, x); an = 0 :: else fi
#else
			an = (cow -> 0 : an)
#endif
		fi;
		d_step { flush(c, s) };
#ifndef V_NEWUNLOCKED
		if :: na -> UNLOCK(an_lk[na]) :: else fi;
#endif
unleaf:		UNLOCK(lf_lk[s]);
#ifndef V_NOANONLOCK
		if :: an -> UNLOCK(an_lk[an]) :: else fi;
#endif
unlock:		if :: ch -> UNLOCK(ch_lk[ch]) :: else fi;
		atomic { ch = 0; an = 0; na = 0; f = 0; nf = 0; t = 0; old = 0; cow = 0; goto again }
next:		atomic { s = 0; w = 0 }
	od;
	done++
}

proctype daemon()
{
	byte n, f, an, sp; bit hit;

	do
	:: n == NOUT -> break
	:: else ->
		atomic { n++; if :: f = 1 :: f = 2 :: f = 3 fi };
		an = fown[f];
		if
		:: an == 0 -> goto next
		:: else
		fi;
		atomic { if :: an_lk[an] -> goto next :: else -> an_lk[an] = 1 fi };	/* try-lock */
		if
		:: fown[f] != an || an_fr[an] != f || an_cnt[an] == 0 -> goto unlock
		:: else
		fi;
		/* reverse walk: each translation under its leaf table's lock */
		sp = 0;
		do
		:: sp < 2 ->
			if
			:: pte[sp] != 0 && PF(pte[sp]) == f ->
				LOCK(lf_lk[sp]);
				if :: pte[sp] != 0 && PF(pte[sp]) == f -> pte[sp] = 0; hit = 1 :: else fi;
				UNLOCK(lf_lk[sp]);
#ifndef V_WRITEFIRST
				if :: hit -> d_step { flush(0,sp) }; d_step { flush(1,sp); hit = 0 } :: else fi
#endif
			:: else
			fi;
			sp++
		:: else -> break
		od;
		sp = 0;
		an_sw[an] = fval[f] + 1;
#ifdef V_WRITEFIRST
		d_step { flush(0,0); flush(0,1) };
		d_step { flush(1,0); flush(1,1) };
#endif
		d_step { an_fr[an] = 0; fown[f] = 0 };
		UNLOCK(an_lk[an]);
#ifndef V_NOEPOCH
		atomic { !section };		/* who is inside now has left */
#endif
		d_step { freeframe(f) };
		goto next;
unlock:		UNLOCK(an_lk[an]);
next:		atomic { an = 0; f = 0; sp = 0 }
	od;
	done++
}

proctype dontneed()
{
	byte s, ch, an, t, x;
	bit shared;

	if :: DN == 0 -> goto fin :: else fi;
	if :: s = 0 :: s = 1 fi;
	section = 1;
again:	ch = dir[s];
	if
	:: ch ->
		LOCK(ch_lk[ch]);
		atomic { if :: dir[s] != ch -> UNLOCK(ch_lk[ch]); goto again :: else fi };
		if
		:: ch_cnt[ch] > 1 ->
#ifdef V_DNSHARED
			skip
#else
			shared = 1
#endif
		:: else
		fi;
		if
#ifdef V_DNEMPTY
		:: shared -> dir[s] = 0
#else
		:: shared ->		/* a clone without the range, born locked: the slot never turns empty again */
			d_step { getchunk(t); ch_lk[t] = 1 };
			dir[s] = t
#endif
		:: else -> an = slot[ch]; slot[ch] = 0
		fi
#ifdef V_DNCOUNT
		; if :: shared -> ch_cnt[ch]-- :: else -> if :: an -> drop(an, 0, x) :: else fi fi
#endif
#ifdef BUG9
		; UNLOCK(ch_lk[ch])
#endif
	:: else -> section = 0; goto fin	/* nothing of its own, nothing to discard */
	fi;
	LOCK(lf_lk[s]);
	pte[s] = 0;
#ifdef V_DNUNLOCK
	UNLOCK(lf_lk[s]);
	if :: ch -> UNLOCK(ch_lk[ch]) :: else fi;
#endif
	d_step { flush(0, s) };
	d_step { flush(1, s); oval[s] = 0; check() };
#ifndef V_DNUNLOCK
	UNLOCK(lf_lk[s]);
#endif
#ifndef V_DNCOUNT
	if
	:: shared -> ch_cnt[ch]--		/* only now may the others find themselves alone */
	:: !shared && an -> drop(an, 0, x)
	:: else
	fi;
#endif
#if !defined(BUG9) && !defined(V_DNUNLOCK)
	if :: ch -> UNLOCK(ch_lk[ch]) :: else fi;
#endif
	if :: t -> UNLOCK(ch_lk[t]) :: else fi;
	section = 0;
fin:	done++
}

init {
	byte k, x, y;
	atomic {
		/* one chunk, one anon, content 1; named by both amaps, or by both and an idle sibling's */
		fval[1] = 1; fval[2] = POISON; fval[3] = POISON; fval[4] = POISON;
		if
		:: dir[0] = 1; dir[1] = 1; ch_cnt[1] = 2; slot[1] = 1; an_cnt[1] = 1; oval[0] = 1; oval[1] = 1;
			fused[1] = 1; fown[1] = 1; an_fr[1] = 1;
			if :: dir[2] = 1; ch_cnt[1] = 3 :: skip fi;
			if :: d_step { setpte(0, 3); setpte(1, 3) } :: skip fi
		:: fval[1] = POISON				/* nothing yet anywhere */
		fi;
		run cpu(0); run cpu(1); run daemon(); run dontneed()
	}
	atomic {
		done == 4 ->
		d_step {
			k = 1;
			do
			:: k < NAN ->				/* invariants 1 and 11 */
				x = 0; y = 1;
				do
				:: y < NCH -> if :: ch_cnt[y] && slot[y] == k -> x++ :: else fi; y++
				:: else -> break
				od;
				assert(an_cnt[k] == x && an_lk[k] == 0);
				assert(x == 0 || (an_fr[k] != 0) + (an_sw[k] != 0) == 1);
				assert(x != 0 || (an_fr[k] == 0 && an_sw[k] == 0));
				assert(an_fr[k] == 0 || fown[an_fr[k]] == k);
				k++
			:: else -> break
			od;
			k = 1;
			do
			:: k < NCH ->
				assert(ch_cnt[k] == (dir[0] == k) + (dir[1] == k) + (dir[2] == k) && ch_lk[k] == 0);
				k++
			:: else -> break
			od;
			k = 1;
			do
			:: k < NF -> assert(!fused[k] || (fown[k] && an_fr[fown[k]] == k)); k++
			:: else -> break
			od;
			k = 0;
			do				/* no lost data: the content each space reaches */
			:: k < 2 ->
				y = (dir[k] -> slot[dir[k]] : 0);
				x = (y == 0 -> 0 : (an_fr[y] -> fval[an_fr[y]] : an_sw[y] - 1));
				assert(x == oval[k]);
				k++
			:: else -> break
			od;
			y = (dir[2] -> slot[dir[2]] : 0);
			assert(dir[2] == 0 || (y != 0 && (an_fr[y] -> fval[an_fr[y]] : an_sw[y] - 1) == 1));
			check()
		}
	}
}
