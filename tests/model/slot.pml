// One message at a time: kernel queue, worker, journal. See README.md.
#ifndef MESSAGES
#define MESSAGES 2
#endif
#ifndef KILLS
#define KILLS 3
#endif
#define ATTEMPTS 2  // retry.attempts
#include "life.pml"

mtype = { nowhere, waiting, dead, gone };  // of a row in the journal
#define HANDLED 0
#define RETRIED 1
#define DIED 2
#define EXPIRED 3
#define JOURNALED 4
#define REFUSED 5

chan kernel = [MESSAGES] of { byte };

// SlotHeader. `type` stands for the message, whose number it is; 0 is none.
byte type, attempts, sequence, settling_count, settling_place, written_sequence, written_as;
bool busy;
byte tally[6];

// The journal: rows by message, and the last ticket of this slot.
mtype row[MESSAGES + 1] = nowhere;
byte ticket;

// What nobody in the program knows: what the messages want, and what truly became of them.
bool wish[MESSAGES + 1];    // to be in the journal
bool broken[MESSAGES + 1];  // its envelope
bool told[MESSAGES + 1];    // what became of it, where its sender asked
byte good[MESSAGES + 1];  // times that its handler did its work to the end
byte tries[MESSAGES + 1];
byte repeats, end_of[6], mark;
bool over[MESSAGES + 1];
bool queued[MESSAGES + 1];

inline work(m) {
  d_step {
    if
    :: good[m] > 0 -> repeats++
    :: else
    fi;
    good[m]++
  }
}

inline insert(m, as) {
  assert(row[m] == nowhere && !over[m]);
  row[m] = as
}

// Slot::settle()
inline settle(kind) {
#ifdef COUNT_AFTER  // mutant
  acknowledge(kind);
  tally[kind]++;
#else
#ifdef COUNT_FIRST  // mutant
  tally[kind]++;
  acknowledge(kind);
#else
  settling_count = tally[kind] + 1;  // begin_settling()
  settling_place = kind + 1;
  acknowledge(kind);
  finish_settling();
#endif
#endif
  busy = false
}

inline acknowledge(kind) {
  d_step {
    end_of[kind]++;
    if
    :: kind == HANDLED || kind == EXPIRED || kind == REFUSED -> over[type] = true
    :: kind == DIED -> assert(row[type] == dead)
    :: else
    fi;
    type = 0
  }
}

inline finish_settling() {
  if
  :: settling_place != 0 && type == 0 -> tally[settling_place - 1] = settling_count
  :: else
  fi;
  settling_place = 0
}

// Slot::landed()
inline landed() {
  attempts = 0;
#ifndef SAME_SEQUENCE  // mutant
  sequence++;
#endif
  busy = true
}

#ifdef HALF_COUNTED  // mutant
#define IS_OCCUPIED (type != 0)
#else
#define IS_OCCUPIED (type != 0 || settling_place != 0)
#endif

// A daemon that starts may want a slot of another size: SlotFile::make(), but for SlotView::occupied.
inline made_anew() {
  if
  :: d_step {
       !IS_OCCUPIED -> attempts = 0; busy = false; sequence = 0; ticket = 0;
       settling_count = 0; settling_place = 0; written_sequence = 0; written_as = 0
     }
  :: true
  fi
}

// Slot::recover()
inline recover() {
  finish_settling();
  if
  :: type == 0 -> d_step { attempts = 0; busy = false }  // empty()
  :: type != 0 && !busy -> landed()
  :: else
  fi
}

// Outcomes::write(): one transaction.
inline write(kind, as) {
#ifndef NO_NOTE  // mutant
  written_sequence = sequence;  // will_become()
  written_as = kind + 1;
#endif
  commit(as)
}

inline commit(as) {
  d_step {
#ifdef NO_TICKET  // mutant
    insert(type, as);
    ticket = sequence
#else
    if
    :: ticket >= sequence  // is_repeated()
    :: else -> insert(type, as); ticket = sequence
    fi
#endif
  }
}

inline failed() {
  if
  :: attempts >= ATTEMPTS -> write_and_settle(DIED, dead)
  :: else -> write_and_settle(RETRIED, waiting)
  fi
}

inline write_and_settle(kind, as) {
#ifdef ACKNOWLEDGE_FIRST  // mutant
  mark = type;
  settle(kind);
  row[mark] = as;
#else
  write(kind, as);
  settle(kind)
#endif
}

// Outcomes::settle_written()
inline settle_written() {
  if
  :: written_sequence == sequence && written_as != 0 && ticket >= sequence ->
     told[type] = true;
     settle(written_as - 1)
  :: else
  fi
}

// Handling::handle(), for a message that is not of a call of many.
inline handle() {
  if
  :: wish[type] ->  // Outcomes::journaled(), admit(); now and then the journal is full
     if
     :: commit(waiting); told[type] = true; settle(JOURNALED)
     :: ticket < sequence -> told[type] = true; settle(REFUSED)
     fi
  :: broken[type] ->  // Outcomes::broken(), dead()
#ifdef TOLD_LAST  // mutant
     write(DIED, dead);
     mark = type;
     settle(DIED);
     told[mark] = true
#else
     write(DIED, dead);
     told[type] = true;  // tell_dead()
     settle(DIED)
#endif
  :: else ->
     if
     :: settle(EXPIRED)
     :: call()
     fi
  fi
}

inline call() {
#ifndef UNCOUNTED  // mutant
  attempts++;  // begin_attempt()
#endif
  d_step { tries[type]++; assert(tries[type] <= ATTEMPTS) };
  if
  :: work(type); settle(HANDLED)  // MYQ_DONE
  :: failed()                     // MYQ_RETRY
  :: write_and_settle(DIED, dead) // MYQ_REJECT
  fi
#ifdef UNCOUNTED
  ; attempts++
#endif
}

// Handling::settle_hand(). It was killed from outside, or it is the message's own fault.
inline settle_leftover() {
  if
  :: type != 0 ->
#ifndef NO_NOTE
     settle_written();
#endif
     if
     :: type == 0
     :: type != 0 && attempts == 0 -> handle()
     :: type != 0 && attempts != 0 ->
        if
        :: failed()
        :: attempts < ATTEMPTS -> handle()
        fi
     fi
  :: else
  fi
}

active proctype Worker() {
again:
  {
    made_anew();
    recover();
    settle_leftover();
end:
    do
    ::
#ifdef PRIVATE_BUFFER  // mutant
       atomic { kernel?mark -> queued[mark] = false };
       type = mark;
#else
       // msgrcv() finishes its copy even into a dying process.
       atomic { kernel?mark -> queued[mark] = false; type = mark; mark = 0 };
#endif
       landed();
       handle()
    od
  } unless { killed -> killed = false };
  goto again
}

// Whoever takes what is due in the journal; claims.pml looks at it closely.
active proctype Journal() {
  byte m;
end:
  do
  :: d_step { row[1] == waiting -> row[1] = gone; work(1); over[1] = true }
  :: d_step { row[2] == waiting -> row[2] = gone; work(2); over[2] = true }
  od
}

#define IS_SETTLED(m) (over[m] || row[m] == dead)
#define IS_EXACT(k) (tally[k] == end_of[k])
// Outside the slot in one place; in the slot nowhere else, unless the ticket says so.
#define IS_ASTRAY(m) \
  (type == m -> queued[m] || (row[m] != nowhere && ticket < sequence) \
             : queued[m] + over[m] + (row[m] == waiting) + (row[m] == dead) != 1)

active proctype Judge() {
  byte m;
  atomic {
    if
    :: wish[1] = true
    :: broken[1] = true
    :: true
    fi;
    for (m : 1 .. MESSAGES) {
      kernel!m;
      queued[m] = true
    }
    m = 0
  };
end:
  do
  :: atomic { repeats > kills -> assert(false) }
  :: atomic { IS_ASTRAY(1) || IS_ASTRAY(2) -> assert(false) }
  :: atomic {
       timeout ->
       assert(empty(kernel) && type == 0 && IS_SETTLED(1) && IS_SETTLED(2));
       assert(told[1] || !(wish[1] || broken[1]));
       assert(IS_EXACT(0) && IS_EXACT(1) && IS_EXACT(2) && IS_EXACT(3) && IS_EXACT(4) &&
              IS_EXACT(5));
       break
     }
  od
}
