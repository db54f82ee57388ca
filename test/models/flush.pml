/*
 * flush.pml: flush rounds of two CPUs at the same time, with interrupts, locks and ASID rollover.
 *
 *   main(c)   does ROUNDS rounds and SWITCHES context switches in any order.
 *             A round removes page c of map 0 (under flush-side lock c, or both under lock 0), flushes, frees.
 *   irq(c)    serves flush requests on CPU c whenever its interrupts are on (one step: flush, acknowledge)
 *
 * Maps 0..3 share NASID numbers, so that a switch often starts a new generation.
 * tlb[cpu,asid] is the set of translations that CPU may hold under that number: bit map*2+page.
 * valid[map] holds the live PTEs, freed those whose frame was given back after a round.
 * Property: a running CPU can use nothing that is freed and nothing of another map, ever.
 * Memory order: act[] stores at a switch sit in a one-entry store buffer until a barrier.
 * As src/pmap/{asid,flush}.c: what a CPU has caught up with is remembered per (CPU, number), not per map; a
 * round's flush counts as caught up only if no earlier round is still to come to that CPU.
 */
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef SWITCHES
#define SWITCHES 2
#endif
#ifndef NASID
#define NASID 3			/* more than there are CPUs: see newnumber() */
#endif

bit valid[8];				/* [map*2+page] the PTE is there */
bit gone[8];				/* its round has returned; the frame may be anybody's */
byte tlb[8];				/* [cpu*4+asid] set of map*2+page; numbers 1..NASID */
byte gen; byte as_gen[4]; byte as_no[4];	/* each map's number and its generation */
byte owner[4];				/* this generation: number -> map + 1 */
bit pending[2];				/* CPU must flush everything at its next switch */
byte cur[2]; byte hw[2];		/* what the CPU's MMU really uses: map, number */
bit act[8]; byte sb[2];			/* [cpu*4+map] the mask a round reads; store buffer (map + 1, 0 empty) */
byte tgen[4]; byte seen[8];		/* map's flush generation; [cpu*4+number] the last one this CPU has done */
bit irqon[2]; bit req[2]; bit ack[2];
byte rmap[2]; byte rgen[2];		/* each CPU's own round: the map, and its generation */
bit lk[2]; bit aslk;			/* flush-side; leaf-side */

#ifdef ONELOCK
#define L(c) 0
#else
#define L(c) (c)
#endif
#define TLB(c,a) tlb[(c)*4+(a)]
#define SEEN(c,a) seen[(c)*4+(a)]
#define ACT(c,m) act[(c)*4+(m)]
#define DRAIN(c) if :: sb[c] -> ACT(c, sb[c]-1) = 1; sb[c] = 0 :: else fi

byte m_;
/* hardware: any live translation of the running map may be cached at any time */
inline fill(c) {
		TLB(c,hw[c]) = TLB(c,hw[c]) | (valid[cur[c]*2] << (cur[c]*2)) | (valid[cur[c]*2+1] << (cur[c]*2+1));
		m_ = 3 << (cur[c]*2);
		m_ = m_ & ~((gone[cur[c]*2] << (cur[c]*2)) | (gone[cur[c]*2+1] << (cur[c]*2+1)));
		assert((TLB(c,hw[c]) & ~m_) == 0);
		m_ = 0
}
inline flushhw(c, m, g, pg) {		/* what CPU c holds of one page of map m, if it runs it now */
	if
	:: cur[c] == m ->
		TLB(c,hw[c]) = TLB(c,hw[c]) & ~(1 << (m*2+pg)); fill(c);
		if
#ifdef V_SEENALL
		:: 1 -> SEEN(c,hw[c]) = tgen[m]
#else
		:: SEEN(c,hw[c]) == g - 1 -> SEEN(c,hw[c]) = g
		:: else
#endif
		fi
	:: else
	fi
}

proctype irq(byte c)
{
end:	do
	:: atomic {
		irqon[c] && req[c] ->
		d_step {
			flushhw(c, rmap[1-c], rgen[1-c], 1-c);
			DRAIN(c);
			req[c] = 0; ack[1-c] = 1
		}
	   }
	od
}

inline round(c) {			/* map 0, page c */
#ifdef V_SPINOFF
	irqon[c] = 0;
#endif
	atomic { lk[L(c)] == 0 -> lk[L(c)] = 1 };
#ifdef V_LEAFSIDE
	irqon[c] = 0;
	atomic { aslk == 0 -> aslk = 1 };
	irqon[c] = 1;
#endif
#ifdef V_ASIDEARLY
	x = (as_gen[0] == gen -> as_no[0] : 0);
#endif
	d_step { valid[c] = 0 };
#ifdef BCAST
	/* the CPU type broadcasts flushes by number: read the number after the PTE went */
#ifndef V_ASIDEARLY
	x = as_no[0];
#endif
	d_step {
		if
		:: x -> TLB(0,x) = TLB(0,x) & ~(1 << c); TLB(1,x) = TLB(1,x) & ~(1 << c); fill(0); fill(1)
		:: else
		fi
	};
#else
#ifdef V_GENLATE
	x = ACT(1-c,0);
	atomic { tgen[0]++; rgen[c] = tgen[0] };
#else
	atomic { DRAIN(c); tgen[0]++; rgen[c] = tgen[0] };	/* an RMW drains */
	x = ACT(1-c,0);
#endif
	if
	:: x -> ack[c] = 0; req[1-c] = 1
	:: else
	fi;
	d_step { flushhw(c, 0, rgen[c], (c+0)) };
	if
	:: x ->
#ifdef BUG8
		irqon[c] = 0;
#endif
		ack[c] == 1;
		ack[c] = 0;
		irqon[c] = 1
	:: else
	fi;
#endif
	d_step { gone[c] = 1; fill(0); fill(1) };	/* free */
#ifdef V_LEAFSIDE
	aslk = 0;
#endif
	lk[L(c)] = 0;
	irqon[c] = 1;
	x = 0
}
inline newnumber(c, m) {		/* under aslk */
	x = 1;
	do
	:: x <= NASID && owner[x] != 0 -> x++
	:: else -> break
	od;
	if
	:: x > NASID ->			/* rollover: running maps keep their numbers, all CPUs flush at their next switch */
		gen++;
		owner[1] = 0; owner[2] = 0; owner[3] = 0;
#ifndef V_NORESERVE
		owner[hw[1-c]] = cur[1-c] + 1; as_gen[cur[1-c]] = gen;
#endif
#ifndef V_OWNNUMBER
		owner[hw[c]] = cur[c] + 1; as_gen[cur[c]] = gen;	/* its MMU still uses it */
#endif
#ifndef V_NOPENDING
		pending[0] = 1; pending[1] = 1;
#else
		pending[c] = 1;
#endif
		x = 1;
		if :: as_gen[m] == gen -> x = as_no[m] :: else -> do :: owner[x] != 0 -> x++ :: else -> break od fi
	:: else
	fi;
	assert(x >= 1 && x <= NASID);
	owner[x] = m + 1; as_no[m] = x; as_gen[m] = gen; x = 0
}
inline switchto(c, m) {
	irqon[c] = 0;
	/* announce first, then look: a round must see us, or we its generation */
#ifdef V_LAZYSB
	atomic { sb[c] == 0 -> sb[c] = m + 1 };
#elif defined(V_ANNOUNCELATE)
	skip;
#else
	ACT(c,m) = 1;
#endif
	atomic { aslk == 0 -> aslk = 1 };
	d_step { if :: as_gen[m] != gen -> newnumber(c, m) :: else fi };
	if
	:: pending[c] ->
		d_step { TLB(c,1) = 0; TLB(c,2) = 0; TLB(c,3) = 0; pending[c] = 0; fill(c) }
	:: else
	fi;
	y = tgen[m];
	if
	:: SEEN(c,as_no[m]) != y -> d_step { TLB(c,as_no[m]) = 0; SEEN(c,as_no[m]) = y }
	:: else
	fi;
#ifdef V_ANNOUNCELATE
	ACT(c,m) = 1;
#endif
	y = cur[c];
#ifdef V_CLEAREARLY
	ACT(c,y) = 0;
#endif
	d_step { cur[c] = m; hw[c] = as_no[m]; fill(c) };
	ACT(c,y) = 0;		/* only when the MMU has left it */
	aslk = 0;
	y = 0;
	irqon[c] = 1
}

proctype main(byte c)
{
	byte r, s, x, y;
	do
	:: r < ROUNDS -> round(c); r++
	:: s < SWITCHES ->
		s++;
		if
		:: cur[c] != 0 -> switchto(c, 0)
		:: cur[c] != 1 -> switchto(c, 1)
		:: cur[c] != 2 -> switchto(c, 2)
		:: cur[c] != 3 -> switchto(c, 3)
		fi
	:: r == ROUNDS && s == SWITCHES -> break
	od
}
active proctype drain()
{
end:	do
	:: atomic { sb[0] -> DRAIN(0) }
	:: atomic { sb[1] -> DRAIN(1) }
	od
}

init {
	atomic {
		gen = 1;
		valid[0] = 1; valid[1] = 1; valid[2] = 1; valid[4] = 1; valid[6] = 1;
		/* both CPUs run map 0, or CPU 1 runs map 1 */
		as_gen[0] = 1; as_no[0] = 1; owner[1] = 1; cur[0] = 0; hw[0] = 1; ACT(0,0) = 1;
		if
		:: cur[1] = 0; hw[1] = 1; ACT(1,0) = 1
		:: cur[1] = 1; hw[1] = 2; ACT(1,1) = 1; as_gen[1] = 1; as_no[1] = 2; owner[2] = 2
		fi;
		irqon[0] = 1; irqon[1] = 1;
		d_step { fill(0); fill(1) };
		run irq(0); run irq(1); run main(0); run main(1)
	}
}
