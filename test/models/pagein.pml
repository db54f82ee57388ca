/*
 * pagein.pml: waiting for page-in. Two spaces name one swapped anon; faults collide into one read.
 *
 *   cpu(0), cpu(1)  NACC reads each; cpu 0 in space 0, cpu 1 in space 0 or 1
 *   dropper(s)      space s gives its reference up (unmap or DONTNEED); DROPS of them
 *   disk, worker    the read completes in interrupt context, which only queues and wakes; a thread installs the page
 *
 * The rule modelled (src/map/need.c: what is missing is named, everything is unlocked, the need is met, the fault
 * starts again from the look-up): the anon's state changes under its lock only; 'being read' names a request, which
 * the read and every waiter count; whoever drops the last reference of an anon that is being read leaves it to the
 * one who installs. A failed read is an error for the fault that started it; the others try for themselves.
 * Waiting is wait(word, seen), which returns if the word has changed: SLEEP is its two steps in one.
 */
#ifndef NACC
#define NACC 2
#endif
#ifndef DROPS
#define DROPS 2
#endif
#define NF 4			/* frame 0: none */
#define NR 4			/* request 0: none */
#define POISON 7

byte seq[2]; bit ch_lk[2]; bit slot[2]; bit lf_lk[2]; byte pte[2];
bit an_lk; byte an_cnt; byte fr; byte sw; byte rd; bit gone;	/* the anon: frame, swap, request that reads it */
byte rq_use[NR]; byte rq_fr[NR]; byte rq_word[NR];		/* word: 0 unused, 1 reading, 2 done, 3 failed */
bit rq_io[NR]; bit rq_bad[NR];					/* the transfer is over; it failed */
bit used[NF]; byte fval[NF];
byte tlb[4]; byte oval[2]; bit asleep[2]; byte waits[2];
byte reads; byte done; bit failed;

#define TLB(c,s) tlb[(c)*2+(s)]
#define LOCK(l)  atomic { l == 0 -> l = 1 }
#define UNLOCK(l) l = 0

byte i_, m_;
inline check() {
	m_ = 0; i_ = 1;
	do
	:: i_ < NF -> m_ = m_ | ((used[i_] && fval[i_] == 1) << i_); i_++
	:: else -> break
	od;
	assert(((tlb[0] | tlb[2]) & ~(oval[0] -> m_ : 0)) == 0);
	assert(((tlb[1] | tlb[3]) & ~(oval[1] -> m_ : 0)) == 0);
	i_ = 0; m_ = 0
}
inline getframe(r) {
	r = 1;
	do
	:: used[r] -> r++
	:: else -> break
	od;
	assert(r < NF);
	used[r] = 1
}
inline putframe(f) {
	assert(used[f] && pte[0] != f && pte[1] != f);
	assert(((tlb[0] | tlb[1] | tlb[2] | tlb[3]) >> f & 1) == 0);
	/* nobody reads into it any more */
	assert((rq_fr[1] != f || rq_io[1]) && (rq_fr[2] != f || rq_io[2]) && (rq_fr[3] != f || rq_io[3]));
	used[f] = 0; fval[f] = POISON
}
inline dropreq(r) {
	assert(rq_use[r] > 0);
	rq_use[r]--;
	if
	:: rq_use[r] == 0 -> rq_word[r] = 0; rq_fr[r] = 0; rq_io[r] = 0; rq_bad[r] = 0
	:: else
	fi
}
inline enterpte(f) {
	d_step {
		pte[s] = f;
		TLB(0,s) = TLB(0,s) | (1 << f);
		TLB(1,s) = TLB(1,s) | (1 << f);
		check()
	}
}

proctype cpu(byte c)
{
	byte n, s, sq, r; bit mine, err;

	do
	:: n == NACC -> break
	:: else ->
		atomic { n++; if :: s = 0 :: c == 1 -> s = 1 fi }
again:		atomic { if :: TLB(c,s) -> goto next :: pte[s] == 0 fi };
		sq = seq[s];
		if :: sq & 1 -> seq[s] != sq; goto again :: else fi;
		LOCK(ch_lk[s]);
		if
		:: seq[s] != sq -> UNLOCK(ch_lk[s]); goto again
		:: seq[s] == sq && !slot[s] -> UNLOCK(ch_lk[s]); goto next	/* given up: zeros, or SIGSEGV */
		:: else
		fi;
		LOCK(an_lk);
		assert(!gone);
		if
		:: fr ->
			LOCK(lf_lk[s]);
			if :: seq[s] == sq && pte[s] == 0 -> enterpte(fr) :: else fi;
			UNLOCK(lf_lk[s]);
			UNLOCK(an_lk);
			UNLOCK(ch_lk[s]);
			sq = 0;
			goto again
#ifdef V_TWO
		:: !fr ->
#else
		:: !fr && !rd ->
#endif
			d_step {	/* a frame, a request; it is being read from here on */
				r = 1;
				do
				:: rq_use[r] -> r++
				:: else -> break
				od;
				assert(r < NR && sw);
				getframe(rq_fr[r]);
				rq_use[r] = 2; rq_word[r] = 1; rd = r; reads++; mine = 1
			}
#ifndef V_TWO
		:: !fr && rd ->
#ifdef V_NOREF
			r = rd
#else
			d_step { r = rd; rq_use[r]++ }
#endif
#endif
		fi;
#ifndef V_HOLD
		UNLOCK(an_lk);
#endif
		UNLOCK(ch_lk[s]);
		assert(rq_use[r] > 0);
#ifdef V_LOSTWAKE
		if :: rq_word[r] == 1 -> waits[c] = r; asleep[c] = 1; asleep[c] == 0 :: else fi;
#else
		atomic { if :: rq_word[r] == 1 -> waits[c] = r; asleep[c] = 1 :: else fi };
		asleep[c] == 0;
#endif
#ifdef V_HOLD
		UNLOCK(an_lk);
#endif
		assert(rq_use[r] > 0 && rq_word[r] > 1);
		waits[c] = 0;
#ifdef V_NORETRY
		LOCK(lf_lk[s]);
		if :: rq_word[r] == 2 && pte[s] == 0 && used[rq_fr[r]] -> enterpte(rq_fr[r]) :: else fi;
		UNLOCK(lf_lk[s]);
#endif
		d_step {
			err = (rq_word[r] == 3 && mine);
			assert(!err || failed);
			dropreq(r);
			r = 0; sq = 0; mine = 0
		}
		if
		:: atomic { err -> goto next }		/* SIGBUS */
		:: atomic { !err -> goto again }
		fi;
next:		atomic { s = 0; sq = 0; r = 0; mine = 0; err = 0 }
	od;
	done++
}

/* the controller: any request, in any order, at any time; one of them may fail */
active proctype disk()
{
	byte r;
end:	do
	:: atomic {
		if
		:: rq_word[1] == 1 && !rq_io[1] -> r = 1
		:: rq_word[2] == 1 && !rq_io[2] -> r = 2
		:: rq_word[3] == 1 && !rq_io[3] -> r = 3
		fi;
		assert(used[rq_fr[r]]);
		if
		:: rq_io[r] = 1; fval[rq_fr[r]] = 1
		:: !failed -> rq_io[r] = 1; rq_bad[r] = 1; failed = 1
		fi;
		r = 0
	   }
	od
}

active proctype worker()
{
	byte r; bit bad;
end:	do
	:: atomic {
		if
		:: rq_word[1] == 1 && rq_io[1] -> r = 1
		:: rq_word[2] == 1 && rq_io[2] -> r = 2
		:: rq_word[3] == 1 && rq_io[3] -> r = 3
		fi
	   }
	   bad = rq_bad[r];
	   LOCK(an_lk);
	   assert(!gone && fr == 0);
	   d_step {
		if
		:: !bad && an_cnt -> fr = rq_fr[r]; sw = 0
		:: else -> putframe(rq_fr[r])
		fi;
		rd = 0;
		if :: !an_cnt -> sw = 0; gone = 1 :: else fi
	   }
	   UNLOCK(an_lk);
	   rq_word[r] = (bad -> 3 : 2);
	   d_step {		/* wake all */
		if :: waits[0] == r -> asleep[0] = 0 :: else fi;
		if :: waits[1] == r -> asleep[1] = 0 :: else fi;
		dropreq(r);
		r = 0; bad = 0
	   }
	od
}

proctype dropper(byte s)
{
	byte left;

	atomic { (seq[s] & 1) == 0 -> seq[s]++ };
	LOCK(ch_lk[s]);
	slot[s] = 0;
	LOCK(lf_lk[s]);
	pte[s] = 0;
	UNLOCK(lf_lk[s]);
	d_step { TLB(0,s) = 0 };
	d_step { TLB(1,s) = 0; oval[s] = 0; check() };
	UNLOCK(ch_lk[s]);
	atomic { an_cnt--; left = an_cnt };
	if
	:: left == 0 ->
		LOCK(an_lk);
		d_step {
			if
#ifdef V_FREEBUSY
			:: rd -> gone = 1; sw = 0
#else
			:: rd			/* the one who installs it sees that nobody wants it */
#endif
			:: !rd && !gone -> if :: fr -> putframe(fr); fr = 0 :: else fi; sw = 0; gone = 1
			:: else			/* he has seen it already */
			fi
		}
		UNLOCK(an_lk)
	:: else
	fi;
	seq[s]++;
	done++
}

init {
	atomic {
		slot[0] = 1; slot[1] = 1; an_cnt = 2; sw = 2; oval[0] = 1; oval[1] = 1;
		fval[0] = POISON; fval[1] = POISON; fval[2] = POISON; fval[3] = POISON;
		run cpu(0); run cpu(1);
		if :: DROPS > 0 -> run dropper(0) :: else fi;
		if :: DROPS > 1 -> run dropper(1) :: else fi
	}
	atomic {
		done == 2 + DROPS && !rd && rq_use[1] == 0 && rq_use[2] == 0 && rq_use[3] == 0 ->
		d_step {
			check();
			assert(an_cnt == slot[0] + slot[1] && gone == (an_cnt == 0));
			assert(gone -> fr == 0 && sw == 0 : (fr != 0) + (sw != 0) == 1);
			assert(used[1] + used[2] + used[3] == (fr != 0));
			assert(reads <= 1 || failed)
		}
	}
}
