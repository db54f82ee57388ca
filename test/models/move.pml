/*
 * move.pml: mremap against faults at both places and against page-out (src/map/move.c, src/pmap/move.c).
 *
 *   cpu(0), cpu(1)  NACC reads or writes each, at the old place (0) or the new one (1)
 *   mover           moves the mapping; the leaf table whole (WHOLE=1) or its one slot to another table
 *   taker           page-out of the page (OUT=0: none): finds the translation by its pv record
 *
 * One page, one anon. tlb[] as in fault.pml, of frames; walk[] is the set of leaf tables that a CPU may go
 * through for a place, until it flushes: what is entered in a table is seen wherever it may be walked to.
 * While the mapping moves, both places may show the page; from the flush on, the old one shows nothing.
 */
#ifndef NACC
#define NACC 1
#endif
#ifndef WHOLE
#define WHOLE 1
#endif
#ifndef OUT
#define OUT 1
#endif
#define NF 4			/* frame 0: none */
#define NL 4			/* leaf table 0: none */
#define STRAY 2
#define DEAD 9
#define POISON 7

bit tree[2]; byte seq[2];	/* entry 0 at place 0, entry 1 at place 1 */
bit ch_lk; bit has;		/* the chunk's one slot: is there an anon */
bit an_lk; byte fr; byte sw;	/* its frame, or what is in swap + 1 */
bit used[NF]; byte fval[NF]; byte pv[NF]; byte moves;
byte upper[2]; byte base[NL]; byte pte[NL]; bit lf_lk[NL]; byte nleaf;
byte tlb[4]; byte walk[4];	/* [cpu*2+place] */
bit section; byte done;
bit ov[2]; byte oval;

#define TLB(c,p)  tlb[(c)*2+(p)]
#define WALK(c,p) walk[(c)*2+(p)]
#define LOCK(l)   atomic { l == 0 -> l = 1 }
#define UNLOCK(l) l = 0

byte i_, m_;
inline check() {
	m_ = 0; i_ = 1;
	do
	:: i_ < NF -> m_ = m_ | ((used[i_] && fval[i_] == oval) << i_); i_++
	:: else -> break
	od;
	assert(((tlb[0] | tlb[2]) & ~(ov[0] -> m_ : 0)) == 0);
	assert(((tlb[1] | tlb[3]) & ~(ov[1] -> m_ : 0)) == 0);
	i_ = 0; m_ = 0
}
/* whoever may walk to leaf l sees its entry */
inline seen(l) {
	i_ = 0;
	do
	:: i_ < 4 ->
		if
		:: pte[l] && ((walk[i_] >> l) & 1) -> tlb[i_] = tlb[i_] | (1 << pte[l]); ov[i_ & 1] = (i_ & 1 -> 1 : ov[0])
		:: else
		fi;
		i_++
	:: else -> break
	od;
	i_ = 0;
	check()
}
inline link(p, l) {
	upper[p] = l;
	WALK(0,p) = WALK(0,p) | (1 << l);
	WALK(1,p) = WALK(1,p) | (1 << l);
	seen(l)
}
inline flushone(c, p) {
	WALK(c,p) = (upper[p] -> 1 << upper[p] : 0);
	TLB(c,p) = (upper[p] && pte[upper[p]] -> 1 << pte[upper[p]] : 0)
}
inline flush(p) {
	d_step { flushone(0, p) };
	d_step { flushone(1, p) }
}
inline newleaf(p) {
	nleaf++;
	assert(nleaf < NL);
	base[nleaf] = p;
	link(p, nleaf)
}
inline getframe(r, v) {
	r = 1;
	do
	:: used[r] -> r++
	:: else -> break
	od;
	assert(r < NF);
	used[r] = 1; fval[r] = v
}
inline putframe(f) {		/* invariant 5 */
	assert(((tlb[0] | tlb[1] | tlb[2] | tlb[3]) >> f & 1) == 0);
	assert(pte[1] != f && pte[2] != f && pte[3] != f);
	used[f] = 0; fval[f] = POISON
}

proctype cpu(byte c)
{
	byte n, p, w, sq, l, f; bit fresh;

	do
	:: n == NACC -> break
	:: else ->
		atomic { n++; if :: w = 0 :: w = 1 fi; if :: p = 0 :: p = 1 fi }
again:		atomic {
			if
			:: TLB(c,p) && !w -> goto next
			:: TLB(c,p) && w ->
				d_step {
					f = 1;
					do
					:: ((TLB(c,p) >> f) & 1) == 0 -> f++
					:: else -> break
					od;
					oval = (oval == 1 -> 2 : 1);
					fval[f] = oval;
					check(); f = 0
				}
				goto next
			:: upper[p] == 0 || pte[upper[p]] == 0
			fi
		}
		atomic { if :: !tree[p] -> goto next :: else -> sq = seq[p] fi }
		if :: sq & 1 -> seq[p] != sq; goto again :: else fi;
		LOCK(ch_lk);
		if :: seq[p] != sq -> UNLOCK(ch_lk); sq = 0; goto again :: else fi;
		LOCK(an_lk);
		d_step {
			if
			:: !has -> getframe(f, 0); fresh = 1
			:: has && fr == 0 -> assert(sw); getframe(f, sw-1); fr = f; sw = 0
			:: else -> f = fr
			fi
		}
		atomic {
			if :: upper[p] == 0 -> d_step { newleaf(p) } :: else fi;
			l = upper[p]
		}
		LOCK(lf_lk[l]);
#ifndef V_NOSEQ
		if :: seq[p] != sq -> goto unleaf :: else fi;
#endif
#ifndef V_NOSTRAY
		if :: base[l] != p -> goto unleaf :: else fi;
#endif
		if
		:: pte[l] == 0 ->
			if :: fresh -> d_step { has = 1; fr = f; fresh = 0 } :: else fi;
			pv[f] = l;
			d_step { pte[l] = f; seen(l) }
		:: else
		fi;
unleaf:		UNLOCK(lf_lk[l]);
		atomic {
			if :: fresh -> d_step { used[f] = 0; fval[f] = POISON; fresh = 0 } :: else fi;
			UNLOCK(an_lk)
		};
		UNLOCK(ch_lk);
		atomic { f = 0; l = 0; sq = 0; goto again }
next:		atomic { p = 0; w = 0; sq = 0 }
	od;
	done++
}

proctype mover()
{
	byte a, b, f;

#ifdef V_RESERVE
	if :: upper[0] && upper[1] == 0 -> d_step { newleaf(1) } :: else fi;
#endif
	atomic { (seq[0] & 1) == 0 -> seq[0]++ };
#ifndef V_RESERVE
	/* what the destination needs, with the source's number odd: a table that appears now stays empty */
	atomic { if :: !WHOLE && upper[0] && upper[1] == 0 -> d_step { newleaf(1) } :: else fi };
#endif
	section = 1;
#ifdef V_BORNEVEN
	seq[1] = 2;
#else
	seq[1] = 1;
#endif
	d_step { tree[0] = 0; tree[1] = 1 };
	a = upper[0];
	if
	:: a == 0
#ifdef V_PEEK
	:: a != 0 && !WHOLE && pte[a] == 0
#endif
	:: a != 0 && WHOLE ->
		if
		:: upper[1] ->		/* a fault that came too late left an empty one */
			b = upper[1];
			LOCK(lf_lk[b]);
			d_step { assert(pte[b] == 0); base[b] = STRAY; upper[1] = 0 };
			UNLOCK(lf_lk[b])
		:: else
		fi;
		LOCK(lf_lk[a]);
		upper[0] = 0;
		base[a] = 1;
		d_step { link(1, a) };
		UNLOCK(lf_lk[a])
#ifdef V_PEEK
	:: a != 0 && !WHOLE && pte[a] != 0 ->
#else
	:: a != 0 && !WHOLE ->
#endif
		/* a table that came after the reserve is empty, and stays so: nothing to move */
		LOCK(lf_lk[a]);
		f = pte[a];
		UNLOCK(lf_lk[a]);
		if :: f == 0 -> goto moved :: else fi;
		b = upper[1];
		assert(b != 0);
		LOCK(lf_lk[a]);
		LOCK(lf_lk[b]);
		f = pte[a];
		if
		:: f ->
			pte[a] = 0;
#ifdef V_NOSTAMP
			pv[f] = b;
#else
			atomic { pv[f] = b; moves++ };
#endif
			d_step { pte[b] = f; seen(b) }
		:: else
		fi;
		d_step { base[a] = STRAY; upper[0] = 0 };
		UNLOCK(lf_lk[b]);
		UNLOCK(lf_lk[a])
	fi;
moved:	skip;
#ifndef V_NOFLUSH
	flush(0);
#endif
	d_step { ov[0] = 0; check() };
	section = 0;
	seq[0] = DEAD;
	seq[1] = 2;
	done++
}

proctype taker()
{
	byte f, l, p, was; bit hit;

	if :: OUT == 0 -> goto fin :: else fi;
	atomic { if :: an_lk -> goto fin :: else -> an_lk = 1 fi };	/* try-lock */
	f = fr;
	if :: !has || f == 0 -> goto unlock :: else fi;
revisit: was = moves;
	l = pv[f];
	if
	:: l ->
		LOCK(lf_lk[l]);
		atomic {
			if
			:: base[l] != STRAY && pte[l] == f -> pte[l] = 0; p = base[l]; pv[f] = 0; hit = 1
			:: else
			fi
		};
		UNLOCK(lf_lk[l]);
		if :: hit -> flush(p) :: else fi
	:: else
	fi;
	if :: moves != was && pv[f] -> goto revisit :: else fi;
#ifdef V_WRITEEARLY
	sw = fval[f] + 1;
#endif
#ifndef V_NOEPOCH
	atomic { !section };		/* who is inside now has left */
#endif
#ifndef V_WRITEEARLY
	sw = fval[f] + 1;
#endif
	d_step { fr = 0; putframe(f) };
unlock:	UNLOCK(an_lk);
fin:	done++
}

init {
	atomic {
		tree[0] = 1; ov[0] = 1;
		fval[1] = POISON; fval[2] = POISON; fval[3] = POISON;
		if :: d_step { nleaf = 1; base[1] = 0; link(0, 1) } :: skip fi;
		if
		:: has = 1; oval = 1;
			if
			:: used[1] = 1; fval[1] = 1; fr = 1;
				if :: nleaf -> d_step { pv[1] = 1; pte[1] = 1; seen(1) } :: skip fi
			:: sw = 2
			fi
		:: skip
		fi;
		run cpu(0); run cpu(1); run mover(); run taker()
	}
	atomic {
		done == 4 ->
		d_step {
			check();
			assert(!ov[0] && upper[0] == 0 || upper[0] && pte[upper[0]] == 0);
			assert((has -> (fr -> fval[fr] : sw - 1) : 0) == oval);
			assert(upper[1] == 0 || base[upper[1]] == 1);
			assert(upper[1] == 0 || pte[upper[1]] == 0 || pte[upper[1]] == fr);
			i_ = 1;
			do
			:: i_ < NF -> assert(used[i_] == (has && fr == i_)); i_++
			:: else -> break
			od;
			i_ = 0;
			assert(!ch_lk && !an_lk && !lf_lk[1] && !lf_lk[2] && !lf_lk[3])
		}
	}
}
