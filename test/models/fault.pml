/*
 * fault.pml: page faults of two CPUs against one structural operation on the same address range.
 *
 *   cpu(0), cpu(1)  do NACC reads or writes each, of either page; a miss is a page fault
 *   writer          does one structural operation (OP) under the map's lock
 *   reaper          destroys dead amaps once no fault is inside an epoch
 *   drain           empties the one-entry store buffers at any moment
 *
 * One leaf table and one chunk cover both pages. An anon and its frame are one thing here (no page-out:
 * see anon.pml); frame 0 is the shared zero page. An entry may have no amap yet (NOAM): a write makes one,
 * with the number odd, a read enters the zero page (src/map/fault.c: fault_own_amap). Every step between two ';' is one memory access.
 *
 * TLB: tlb[cpu,space,page] is the SET of translations the CPU may hold: every valid PTE value that
 * was there since that CPU's last flush. So fills happen "at any time" without a process for them.
 * Oracle: ovalid/owr/oval say what an access must find; an operation changes them when its flush ends.
 * check() demands that EVERY translation in EVERY set agrees with the oracle at EVERY change.
 */
#define NONE      0
#define UNMAP     1	/* the whole entry */
#define REMAP     2	/* MAP_FIXED: replace by a new entry with other content, one operation */
#define UNMAP_MAP 3	/* the same as two operations */
#define PROTECT   4	/* to read-only */
#define FORK      5	/* afterwards cpu 1 may run in the child */
#define TRIM      6	/* unmap page 1 only; the entry lives on */
#define COLLECT   7	/* a neighbour's operation finds the shared leaf table empty and detaches it */
#ifndef OP
#define OP UNMAP
#endif
#ifndef NACC
#define NACC 2
#endif
#ifndef NPG
#define NPG 2
#endif

#define NF   7		/* frames: 0 zero page, 1 old content, 6 new content, others free */
#define NCH  6		/* chunks: 0 means none */
#define NOAM 4
#define DEAD 101	/* an odd number nobody turns even again */
#define NEWVAL 3
#define POISON 7
#define ROBITS 5461
#define RWBITS 10922

byte tree[4];				/* [space*2+page] entry + 1; 0 none */
byte seq[2];				/* entry 0: the old one; entry 1: the new one, or the child's */
byte e_am[2]; bit e_w[2]; bit e_nc[2]; byte e_np[2];	/* amap, writable, needs-copy, pages */
byte am_ref[5]; byte dir[5];		/* amap: entries naming it; its one directory slot */
bit am_dead[5];
byte ch_cnt[NCH]; bit ch_lk[NCH]; byte slot[NCH * 2];
byte an_cnt[NF]; byte fval[NF];
bit upper[2]; bit lf_lk[2]; byte pte[4];	/* pte: 0 invalid, else 1 + frame*2 + writable */
byte lf_no[2];				/* which leaf table: a detached one (stray) has an older number */
short tlb[8];
bit maplk; bit ep[2]; bit forked; byte done; bit sib;
byte sbk[3]; byte sbi[3]; byte sbv[3];	/* store buffers: kind (1 seq, 2 upper, 3 directory), index, value */
bit ovalid[4]; bit owr[4]; byte oval[4];

#define TLB(c,s,p)   tlb[((c)*2+(s))*2+(p)]
#define PTE(s,p)     pte[(s)*2+(p)]
#define MK(f,w)      (1 + (f)*2 + (w))
#define PW(v)        ((v) != 0 && (((v)-1) & 1))
#define PF(v)        (((v)-1) >> 1)
/* a process sees its own buffered store, others do not */
#define SEQ(q,e)     ((sbk[q]==1 && sbi[q]==(e)) -> sbv[q] : seq[e])
#define UPPER(q,s)   ((sbk[q]==2 && sbi[q]==(s)) -> sbv[q] : upper[s])
#define DIR(q,a)     ((sbk[q]==3 && sbi[q]==(a)) -> sbv[q] : dir[a])
#define LOCK(l)      atomic { l == 0 -> l = 1 }		/* acquire: drains nothing */
#define UNLOCK(q,l)  atomic { sbk[q] == 0 -> l = 0 }	/* release: earlier stores first */
#define STORE(q,k,i,v) atomic { sbk[q] == 0 -> sbk[q] = k; sbi[q] = i; sbv[q] = v }

byte i_, j_; short m_;
/* does every translation anybody may hold agree with the oracle? */
inline check() {
	i_ = 0;
	do
	:: i_ < 4 ->
		m_ = 0; j_ = 0;
		do
		:: j_ < NF ->
			if
			:: fval[j_] == oval[i_] && ovalid[i_] -> m_ = m_ | ((owr[i_] -> 3 : 1) << (j_*2))
			:: else
			fi;
			j_++
		:: else -> break
		od;
		assert((tlb[i_] & ~m_) == 0);		/* cpu 0 */
		assert((tlb[4+i_] & ~m_) == 0);		/* cpu 1 */
		assert(pte[i_] == 0 || ((1 << (pte[i_]-1)) & ~m_) == 0);
		i_++
	:: else -> break
	od;
	i_ = 0; j_ = 0; m_ = 0
}
inline setpte(s, p, v) {
	PTE(s,p) = v;
	if
	:: v != 0 ->
		TLB(0,s,p) = TLB(0,s,p) | (1 << (v-1));
		TLB(1,s,p) = TLB(1,s,p) | (1 << (v-1));
		check()
	:: else
	fi
}
inline flush(c, s, p) { TLB(c,s,p) = (PTE(s,p) -> (1 << (PTE(s,p)-1)) : 0) }
inline putanon(f) {			/* drop one reference; the last one frees the frame */
	assert(an_cnt[f] > 0);
	an_cnt[f]--;
	if
	:: an_cnt[f] == 0 ->
		i_ = 0;
		do
		:: i_ < 8 -> assert(((tlb[i_] >> (f*2)) & 3) == 0); i_++
		:: else -> break
		od;
		i_ = 0;
		do
		:: i_ < 4 -> assert(pte[i_] == 0 || PF(pte[i_]) != f); i_++
		:: else -> break
		od;
		i_ = 0; fval[f] = POISON
	:: else
	fi
}
inline getframe(r, v) {
	r = 1;
	do
	:: r < NF && an_cnt[r] != 0 -> r++
	:: else -> break
	od;
	assert(r < NF);
	an_cnt[r] = 1; fval[r] = v
}
inline getchunk(r) {
	r = 1;
	do
	:: r < NCH && ch_cnt[r] != 0 -> r++
	:: else -> break
	od;
	assert(r < NCH);
	ch_cnt[r] = 1; slot[r*2] = 0; slot[r*2+1] = 0
}
inline putchunk(x) {			/* caller excludes others; frees the anons with the last amap */
	assert(ch_cnt[x] > 0);
	ch_cnt[x]--;
	if
	:: ch_cnt[x] == 0 ->
		if :: slot[x*2] -> putanon(slot[x*2]) :: else fi;
		if :: slot[x*2+1] -> putanon(slot[x*2+1]) :: else fi;
		slot[x*2] = 0; slot[x*2+1] = 0
	:: else
	fi
}

proctype cpu(byte c)
{
	byte n, p, s, w, e, sq, a, pw, nc, np, lf, ch, f, nf, t, old, cow;

	do
	:: n == NACC -> break
	:: else ->
		atomic {
			n++;
			if :: p = 0 :: NPG > 1 -> p = 1 fi;
			if :: w = 0 :: w = 1 fi;
			if :: s = 0 :: c == 1 && forked -> s = 1 fi
		}
again:		atomic {
			if
			:: !w && TLB(c,s,p) -> goto next
			:: w && (TLB(c,s,p) & RWBITS) ->
				d_step {
					f = 0;
					do
					:: ((TLB(c,s,p) >> (f*2+1)) & 1) == 0 -> f++
					:: else -> break
					od;
					assert(f != 0);
					oval[s*2+p] = (oval[s*2+p] == 1 -> 2 : 1);
					fval[f] = oval[s*2+p];
					check(); f = 0
				}
				goto next
			:: PTE(s,p) == 0 || (w && !PW(PTE(s,p))) || (w && (TLB(c,s,p) & ROBITS)) -> skip
			fi
		}

		/* ---- look up, snapshot ---- */
retry:		atomic {
			ep[c] = 1;
			e = tree[s*2+p];
			if
			:: e == 0 -> assert(OP == UNMAP || OP == UNMAP_MAP || (OP == TRIM && p == 1)); goto out
			:: else -> e--
			fi
		}
		atomic {
			sq = SEQ(c,e);
			if
			:: sq & 1 -> ep[c] = 0; goto wait
			:: else
			fi
		}
		a = e_am[e];
		d_step { pw = e_w[e]; nc = e_nc[e]; np = e_np[e] }
		atomic { if :: SEQ(c,e) != sq -> goto bail :: else fi }
#ifndef V_NOBOUNDS
		atomic { if :: p >= np -> goto bail :: else fi }	/* clipped since the lookup */
#endif
		atomic { if :: w && !pw -> assert(OP == PROTECT); goto out :: else fi }

		/* ---- needs-copy: the number is the entry's lock ---- */
		if
		:: w && (nc || a == NOAM) ->
			atomic {
				sbk[c] == 0;
				if :: seq[e] != sq -> goto bail :: else -> seq[e] = sq + 1 fi
			}
			if
			:: a == NOAM -> t = (s -> 2 : 0); am_ref[t] = 1; e_am[e] = t
			:: a != NOAM && am_ref[a] == 1 -> skip
			:: else ->
				ch = dir[a];
				if :: ch -> LOCK(ch_lk[ch]) :: else fi;
				atomic {		/* a new amap that shares the chunk */
					t = (s -> 2 : 1);
					am_ref[t] = 1; dir[t] = ch;
					if :: ch -> ch_cnt[ch]++ :: else fi
				}
				if :: ch -> UNLOCK(c, ch_lk[ch]) :: else fi;
				e_am[e] = t;
				atomic {
					am_ref[a]--;
					if :: am_ref[a] == 0 -> am_dead[a] = 1 :: else fi
				}
			fi;
			e_nc[e] = 0;
			STORE(c, 1, e, sq + 2);
			goto bail
		:: else
		fi;

		/* ---- chunk ---- */
		ch = DIR(c,a);
		if
		:: ch == 0 && w ->
			atomic {		/* publish: compare-and-swap of an empty slot */
				sbk[c] == 0 && !(sbk[1-c] == 3 && sbi[1-c] == a);
				if
				:: dir[a] == 0 ->
					d_step { getchunk(ch) };
#ifdef BUG2C
					sbk[c] = 3; sbi[c] = a; sbv[c] = ch
#else
					dir[a] = ch
#endif
				:: else -> ch = dir[a]
				fi
			}
		:: else
		fi;
		if
		:: ch ->
			LOCK(ch_lk[ch]);
#ifndef V_NOCHUNKCHECK
			atomic { if :: SEQ(c,e) != sq -> goto unlock :: else fi };
#endif
#ifndef V_NODIR
			atomic { if :: DIR(c,a) != ch -> goto unlock :: else fi };
#endif
			if
			:: w && ch_cnt[ch] > 1 ->	/* clone; the new chunk is born locked */
				d_step {
					getchunk(t);
					ch_lk[t] = 1;
					slot[t*2] = slot[ch*2]; slot[t*2+1] = slot[ch*2+1];
					if :: slot[t*2] -> an_cnt[slot[t*2]]++ :: else fi;
					if :: slot[t*2+1] -> an_cnt[slot[t*2+1]]++ :: else fi;
					dir[a] = t;
					ch_cnt[ch]--
				}
				UNLOCK(c, ch_lk[ch]);
				ch = t
			:: else
			fi
		:: else
		fi;

		/* ---- decide; prepare in private ---- */
		d_step {
			f = (ch -> slot[ch*2+p] : 0);
			cow = 0; nf = 0;
			if
			:: f == 0 && !w -> t = MK(0,0)
			:: f == 0 && w -> getframe(nf, 0); t = MK(nf,pw)
#ifdef V_NEEDSCOPY
			:: f != 0 && an_cnt[f] == 1 && ch_cnt[ch] == 1 -> t = MK(f,pw)
			:: f != 0 && !(an_cnt[f] == 1 && ch_cnt[ch] == 1) && !w -> t = MK(f,0)
			:: f != 0 && !(an_cnt[f] == 1 && ch_cnt[ch] == 1) && w -> cow = 1
#elif defined(BUG6)
			:: f != 0 && an_cnt[f] == 1 && !nc -> t = MK(f,pw)
			:: f != 0 && (an_cnt[f] > 1 || nc) && !w -> t = MK(f,0)
			:: f != 0 && an_cnt[f] > 1 && w -> cow = 1
#else
			:: f != 0 && an_cnt[f] == 1 && ch_cnt[ch] == 1 && !nc -> t = MK(f,pw)
			:: f != 0 && (an_cnt[f] > 1 || ch_cnt[ch] > 1 || nc) && !w -> t = MK(f,0)
			:: f != 0 && (an_cnt[f] > 1 || ch_cnt[ch] > 1) && w -> cow = 1
#endif
			fi;
			if
			:: cow -> getframe(nf, fval[f]); t = MK(nf,pw)
			:: else
			fi
		}
#ifdef V_EARLY
		d_step {			/* the amap changed before the leaf's check */
			if :: nf -> slot[ch*2+p] = nf; nf = 0 :: else fi;
			if :: cow -> putanon(f); cow = 0 :: else fi
		}
#endif
#ifdef V_INSERT
		d_step {			/* only the new, still zero anon is inserted before it */
			if :: nf && !cow -> slot[ch*2+p] = nf; nf = 0 :: else fi
		}
#endif
#ifdef V_DROP
		atomic { if :: cow -> d_step { putanon(f) } :: else fi }
#endif

		/* ---- leaf table ---- */
		atomic {
			if
			:: UPPER(c,s) -> skip
			:: else ->
				sbk[c] == 0 && !(sbk[1-c] == 2 && sbi[1-c] == s);
				if
				:: upper[s] == 0 ->
#ifdef BUG2T
					sbk[c] = 2; sbi[c] = s; sbv[c] = 1
#else
					upper[s] = 1
#endif
				:: else
				fi
			fi;
			lf = lf_no[s]
		}
		LOCK(lf_lk[s]);
#ifndef BUG4
		atomic {
			if
			:: SEQ(c,e) != sq ->
				if :: nf -> an_cnt[nf] = 0; fval[nf] = POISON :: else fi;
				goto unleaf
			:: else
			fi
		};
#endif
#ifndef V_NOSTRAY
		atomic {
			if
			:: lf_no[s] != lf ->
				if :: nf -> an_cnt[nf] = 0; fval[nf] = POISON :: else fi;
				goto unleaf
			:: else
			fi
		};
#endif
		assert(lf_no[s] == lf);		/* what follows must not change a detached table */
		/* with no chunk there was no lock: is there still none? */
		atomic {
			if
			:: ch == 0 && DIR(c,a) != 0 -> goto unleaf
			:: else
			fi
		}
		old = PTE(s,p);
		if
		:: old != 0 && (!w || PW(old)) ->	/* spurious: it is there already */
			atomic {
				assert(ch == 0 || (PF(old) == f && !cow));
				if :: nf -> an_cnt[nf] = 0; fval[nf] = POISON :: else fi
			}
		:: else ->
			atomic { if :: nf -> slot[ch*2+p] = nf :: else fi };
			if
			:: old == 0 || PF(old) == PF(t) -> d_step { setpte(s,p,t) }
			:: else ->			/* another frame: break, flush, make */
#ifdef V_EXCH
				d_step { setpte(s,p,t) };
#else
				PTE(s,p) = 0;
#endif
				d_step { flush(0,s,p) };
				d_step { flush(1,s,p) };
#ifndef V_EXCH
				d_step { setpte(s,p,t) }
#endif
			fi;
#ifndef V_DROP
			atomic { if :: cow -> d_step { putanon(f) } :: else fi }
#endif
		fi;
		d_step { flush(c,s,p) };		/* own stale translation of this page */
unleaf:		UNLOCK(c, lf_lk[s]);
unlock:		if :: ch -> UNLOCK(c, ch_lk[ch]) :: else fi;
bail:		atomic { ep[c] = 0; e = 0; sq = 0; a = 0; pw = 0; nc = 0; np = 0; lf = 0; ch = 0; f = 0; nf = 0; t = 0; old = 0; cow = 0; goto again }
wait:		atomic { maplk == 0 -> e = 0; sq = 0; goto again }
out:		ep[c] = 0;
next:		atomic { p = 0; s = 0; w = 0; e = 0; sq = 0; a = 0; pw = 0; nc = 0; np = 0; lf = 0 }
	od;
	done++
}

inline wipe(a, lo) {			/* pages lo..1 of an amap that only this entry names */
	ch = dir[a];
	if
	:: ch && am_ref[a] == 1 ->
		LOCK(ch_lk[ch]);
		atomic {
			if
			:: ch_cnt[ch] == 1 ->
				d_step {
					if :: lo == 0 && slot[ch*2] -> putanon(slot[ch*2]); slot[ch*2] = 0 :: else fi;
					if :: slot[ch*2+1] -> putanon(slot[ch*2+1]); slot[ch*2+1] = 0 :: else fi
				}
			:: else			/* shared chunk: TRIM must clone first (not reached here); a whole unmap drops it with the amap */
			fi
		};
		UNLOCK(2, ch_lk[ch])
	:: else
	fi
}
inline dropamap(a) {
	atomic {
		am_ref[a] = am_ref[a] - (a != NOAM);
		if
		:: a != NOAM && am_ref[a] == 0 ->
#ifdef V_AMAP
			d_step { if :: dir[a] -> putchunk(dir[a]) :: else fi; dir[a] = 0 }
#else
			am_dead[a] = 1
#endif
		:: else
		fi
	}
}

proctype writer()
{
	byte ch, t, lo, v;

	if :: OP == NONE -> goto fin :: else fi;
	LOCK(maplk);
	if
	:: OP == COLLECT ->
		if
		:: upper[0] ->
			LOCK(lf_lk[0]);
			if :: pte[0] == 0 && pte[1] == 0 -> d_step { upper[0] = 0; lf_no[0]++ } :: else fi;
			UNLOCK(2, lf_lk[0])
		:: else
		fi;
		UNLOCK(2, maplk);
		goto fin
	:: atomic { OP == FORK && e_am[0] == NOAM ->	/* nothing to share, and the number is left alone */
		d_step {
			e_am[1] = NOAM; e_w[1] = 1; e_np[1] = 2;
			ovalid[2] = 1; ovalid[3] = 1; owr[2] = 1; owr[3] = 1; oval[2] = oval[0]; oval[3] = oval[1];
			tree[2] = 2; tree[3] = 2; forked = 1
		}
		UNLOCK(2, maplk);
		goto fin }
	:: else
	fi;
#ifdef BUG1
	t = seq[0];
	seq[0] = t | 1;
	t = seq[0];
#elif defined(V_WSB)
	atomic { (seq[0] & 1) == 0 && sbk[2] == 0 -> t = seq[0] + 1; sbk[2] = 1; sbi[2] = 0; sbv[2] = t };
#else
	atomic { (seq[0] & 1) == 0 && sbk[2] == 0 -> seq[0]++; t = seq[0] };
#endif
	/* edit the index and the entry */
	if
	:: OP == UNMAP || OP == UNMAP_MAP -> d_step { tree[0] = 0; tree[1] = 0 }
	:: OP == REMAP ->
#ifdef BUG3
		seq[1] = 0;
#else
		seq[1] = 1;
#endif
		d_step { tree[0] = 2; tree[1] = 2 }
	:: OP == PROTECT -> e_w[0] = 0
	:: OP == FORK ->
		d_step { e_am[1] = e_am[0]; e_w[1] = e_w[0]; e_nc[1] = 1; e_np[1] = 2; am_ref[e_am[0]]++; seq[1] = 0 };
		e_nc[0] = 1
	:: OP == TRIM -> e_np[0] = 1; tree[1] = 0; lo = 1
	fi;
	/* leaf table */
	if
	:: upper[0] ->
		LOCK(lf_lk[0]);
		if
		:: OP == PROTECT || OP == FORK ->
			atomic { if :: PW(pte[0]) -> d_step { v = pte[0] - 1; setpte(0,0,v); v = 0 } :: else fi };
			atomic { if :: PW(pte[1]) -> d_step { v = pte[1] - 1; setpte(0,1,v); v = 0 } :: else fi }
		:: else ->
			if :: lo == 0 -> pte[0] = 0 :: else fi;
			pte[1] = 0
		fi;
		UNLOCK(2, lf_lk[0])
	:: else
	fi;
#ifdef BUG5
	if :: OP != PROTECT && OP != FORK -> wipe(e_am[0], lo) :: else fi;
#endif
	d_step { flush(0,0,0); flush(0,0,1) };
	d_step {		/* the last acknowledgement: from here on the new state is what everybody must see */
		flush(1,0,0); flush(1,0,1);
		if
		:: OP == UNMAP || OP == UNMAP_MAP -> ovalid[0] = 0; ovalid[1] = 0
		:: OP == TRIM -> ovalid[1] = 0
		:: OP == REMAP -> oval[0] = NEWVAL; oval[1] = 0; owr[0] = 1; owr[1] = 1
		:: OP == PROTECT -> owr[0] = 0; owr[1] = 0
		:: OP == FORK -> ovalid[2] = 1; ovalid[3] = 1; owr[2] = owr[0]; owr[3] = owr[1]; oval[2] = oval[0]; oval[3] = oval[1]
		fi;
		check()
	};
#ifndef BUG5
	if :: OP != PROTECT && OP != FORK -> wipe(e_am[0], lo) :: else fi;
#endif
	if
	:: OP == REMAP || OP == UNMAP || OP == UNMAP_MAP ->
		dropamap(e_am[0]);
		STORE(2, 1, 0, DEAD);
		if :: OP == REMAP -> STORE(2, 1, 1, 2) :: else fi
	:: else -> STORE(2, 1, 0, t + 1)
	fi;
	UNLOCK(2, maplk);
	if
	:: OP == UNMAP_MAP ->
		LOCK(maplk);
		seq[1] = 1;
		d_step { tree[0] = 2; tree[1] = 2; ovalid[0] = 1; ovalid[1] = 1; owr[0] = 1; owr[1] = 1; oval[0] = NEWVAL; oval[1] = 0 };
		STORE(2, 1, 1, 2);
		UNLOCK(2, maplk)
	:: OP == FORK -> d_step { tree[2] = 2; tree[3] = 2; forked = 1 }
	:: else
	fi;
fin:	done++
}

/* dead amaps give their chunks back when no fault can hold them any more */
active proctype reaper()
{
	byte a;
end:	do
	:: atomic {
		(am_dead[0] || am_dead[1] || am_dead[2]) && ep[0] == 0 && ep[1] == 0 ->
		d_step {
			a = (am_dead[0] -> 0 : (am_dead[1] -> 1 : 2));
			if :: dir[a] -> assert(ch_lk[dir[a]] == 0); putchunk(dir[a]) :: else fi;
			dir[a] = 0; am_dead[a] = 0; a = 0
		}
	   }
	od
}

active proctype drain()
{
	byte q;
end:	do
	:: atomic {
		if :: sbk[0] -> q = 0 :: sbk[1] -> q = 1 :: sbk[2] -> q = 2 fi;
		if
		:: sbk[q] == 1 -> seq[sbi[q]] = sbv[q]
		:: sbk[q] == 2 -> upper[sbi[q]] = sbv[q]
		:: sbk[q] == 3 -> dir[sbi[q]] = sbv[q]
		fi;
		sbk[q] = 0; sbi[q] = 0; sbv[q] = 0; q = 0
	   }
	od
}

#ifdef LIVE
ltl term { <> (done == 3) }		/* run with weak fairness: every fault and the operation end */
#endif

init {
	byte k, x, y;
	atomic {
		/* old content: entry 0, amap 0; new content: entry 1, amap 3, frame 6 at page 0 */
		tree[0] = 1; tree[1] = 1; e_w[0] = 1; e_np[0] = 2; am_ref[0] = 1;
		ovalid[0] = 1; ovalid[1] = 1; owr[0] = 1; owr[1] = 1;
		fval[1] = POISON; fval[2] = POISON; fval[3] = POISON; fval[4] = POISON; fval[5] = POISON; fval[6] = POISON;
		if
		:: OP == REMAP || OP == UNMAP_MAP ->
			e_am[1] = 3; e_w[1] = 1; e_np[1] = 2; am_ref[3] = 1; dir[3] = 5; ch_cnt[5] = 1;
			slot[10] = 6; an_cnt[6] = 1; fval[6] = NEWVAL
		:: else
		fi;
		if			/* deferred fork of an earlier time: an idle sibling names amap 0 too */
		:: OP != FORK && OP != TRIM && OP != COLLECT -> e_nc[0] = 1; am_ref[0]++; sib = 1
		:: skip
		fi;
		if :: upper[0] = 1 :: skip fi;
		if
		:: dir[0] = 1; ch_cnt[1] = 1;
			if
			:: slot[2] = 1; an_cnt[1] = 1; fval[1] = 1; oval[0] = 1;
				if
				:: upper[0] -> d_step { x = MK(1, 1 - e_nc[0]); setpte(0, 0, x); x = 0 }
				:: skip
				fi
			:: skip
			fi
		:: upper[0] -> d_step { x = MK(0,0); setpte(0, 0, x); x = 0 }
		:: skip
		:: d_step { !sib -> e_am[0] = NOAM; am_ref[0] = 0 }
		fi;
		run cpu(0); run cpu(1); run writer()
	}
	/* the end: recount */
	atomic {
		done == 3 && sbk[0] == 0 && sbk[1] == 0 && sbk[2] == 0 && !am_dead[0] && !am_dead[1] && !am_dead[2] ->
		d_step {
			k = 1;
			do
			:: k < NF ->
				x = 0; y = 1;
				do
				:: y < NCH ->
					if :: ch_cnt[y] && slot[y*2] == k -> x++ :: else fi;
					if :: ch_cnt[y] && slot[y*2+1] == k -> x++ :: else fi;
					y++
				:: else -> break
				od;
				assert(an_cnt[k] == x);
				k++
			:: else -> break
			od;
			k = 1;
			do
			:: k < NCH ->
				x = 0; y = 0;
				do
				:: y < 4 -> if :: am_ref[y] && dir[y] == k -> x++ :: else fi; y++
				:: else -> break
				od;
				assert(ch_cnt[k] == x && ch_lk[k] == 0);
				k++
			:: else -> break
			od;
			/* what the index leads to is what the oracle says */
			k = 0;
			do
			:: k < 4 ->
				assert(ovalid[k] == (tree[k] != 0));
				if
				:: tree[k] ->
					y = dir[e_am[tree[k]-1]];
					assert(fval[(y -> slot[y*2+(k&1)] : 0)] == oval[k])
				:: else
				fi;
				k++
			:: else -> break
			od;
			/* trimmed page: nothing left behind; an idle sibling: its content untouched */
			assert(OP != TRIM || dir[0] == 0 || slot[dir[0]*2+1] == 0);
			assert(!sib || dir[0] == 0 || slot[dir[0]*2] == 0 || fval[slot[dir[0]*2]] == 1);
			assert(lf_lk[0] == 0 && lf_lk[1] == 0 && maplk == 0);
			check()
		}
	}
}
