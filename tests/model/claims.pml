// A worker whose source is the journal, and others beside it. See README.md.
#ifndef MESSAGES
#define MESSAGES 3
#endif
#ifndef KILLS
#define KILLS 2
#endif
#define BATCH 2  // rows of a claim
#define ATTEMPTS 2
#include "life.pml"

#define NOBODY 0
#define US 1
#define HANDLED 0
#define RETRIED 1
#define DIED 2
#define EXPIRED 3

mtype = { waiting, running, dead, gone };

// The journal.
mtype state[MESSAGES + 1];
byte owner[MESSAGES + 1];
byte row_attempts[MESSAGES + 1];
byte ticket;

// SlotHeader. `type` stands for the message; it is a row's from the start, so `row` is its number.
byte type, row, attempts, sequence, settling_count, settling_place, written_sequence, written_as;
bool busy, claims_held;
byte done_row[BATCH], done_count;
byte tally[4];

// The memory of the worker.
byte claimed[BATCH], next, i;

bool over[MESSAGES + 1];
byte good[MESSAGES + 1], tries[MESSAGES + 1], repeats, end_of[4], put_off;

inline work(m) {
  d_step {
    if
    :: good[m] > 0 -> repeats++
    :: else
    fi;
    good[m]++
  }
}

#define IS_ROW_OVER(r) \
  (r != 0 && ((done_count > 0 && done_row[0] == r) || (done_count > 1 && done_row[1] == r)))

// Slot::settle()
inline settle(kind) {
  settling_count = tally[kind] + 1;
  settling_place = kind + 1;
#ifndef NOTED_AFTER  // mutant
  note_done(kind);
#endif
  acknowledge(kind);
  finish_settling();
#ifdef NOTED_AFTER
  note_done(kind);
#endif
  row = 0;
  busy = false
}

inline note_done(kind) {
  if
  :: (kind == HANDLED || kind == EXPIRED) && done_count < BATCH ->
     done_row[done_count] = row;
     done_count++
  :: else
  fi
}

inline acknowledge(kind) {
  d_step {
    end_of[kind]++;
    if
    :: kind == HANDLED -> assert(!over[type] && good[type] > 0); over[type] = true
    :: kind == EXPIRED -> assert(!over[type]); over[type] = true
    :: kind == DIED -> assert(state[type] == dead)
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

inline acknowledge_what_is_over() {
  if
  :: type != 0 && settling_place != 0 && IS_ROW_OVER(row) -> acknowledge(settling_place - 1)
  :: else
  fi
}

inline recover() {
  d_step { claimed[0] = 0; claimed[1] = 0; next = 0; i = 0 };
#ifndef OVER_AS_HANDLED  // mutant
  acknowledge_what_is_over();
#endif
  finish_settling();
  if
  :: type == 0 -> d_step { attempts = 0; row = 0; busy = false }
  :: else
  fi
}

// Slot::load()
inline load(r) {
  row = r;
  attempts = 0;
  sequence++;
  busy = true;
  attempts = row_attempts[r];
  type = r
}

// Journal::finish(), of which the running go.
inline finish_done() {
  d_step {
    i = 0;
    do
    :: i < done_count ->
       if
       :: state[done_row[i]] == running -> state[done_row[i]] = gone; owner[done_row[i]] = NOBODY
       :: else
       fi;
       i++
    :: else -> break
    od;
    i = 0
  }
}

// JournalSource::claim(): one transaction.
inline claim() {
  d_step { claimed[0] = 0; claimed[1] = 0; next = 0 };
#ifndef CLAIMED_UNHELD  // mutant
  claims_held = true;
#endif
#ifdef FORGOTTEN_EARLY  // mutant
  done_count = 0;
#endif
  atomic {
    finish_done();
    d_step {
      i = 1;
      do
      :: i <= MESSAGES && next < BATCH ->
         if
         :: state[i] == waiting ->
            state[i] = running; owner[i] = US; claimed[next] = i; next++
         :: else
         fi;
         i++
      :: else -> break
      od;
      i = 0; next = 0
    }
  };
#ifndef FORGOTTEN_EARLY
  done_count = 0;
#endif
  claims_held = claimed[0] != 0
}

// JournalSource::settle_claims()
inline settle_claims() {
  if
  :: claims_held ->
     atomic {
       finish_done();
       d_step {
         i = 1;
         do
         :: i <= MESSAGES ->
            if
            :: state[i] == running && owner[i] == US && !(type != 0 && row == i) ->
               state[i] = waiting; owner[i] = NOBODY
            :: else
            fi;
            i++
         :: else -> break
         od;
         i = 0
       }
     };
     done_count = 0;
     claims_held = type != 0 && row != 0
  :: else
  fi
}

// Outcomes::write() of a row: defer() or bury(), with the ticket.
inline write_and_settle(kind, as) {
  written_sequence = sequence;
  written_as = kind + 1;
  d_step {
    if
    :: ticket >= sequence
    :: ticket < sequence && state[row] == running ->
       state[row] = as; owner[row] = NOBODY; row_attempts[row] = attempts; ticket = sequence;
       put_off = put_off + (as == waiting)
    fi
  };
  settle(kind)
}

inline failed() {
  if
  :: attempts >= ATTEMPTS -> write_and_settle(DIED, dead)
  :: else -> write_and_settle(RETRIED, waiting)
  fi
}

inline handle() {
  if
  :: settle(EXPIRED)
  :: attempts++;
     d_step { tries[type]++; assert(tries[type] <= ATTEMPTS) };
     if
     :: work(type); settle(HANDLED)
     :: failed()
     fi
  fi
}

// Handling::settle_leftover(), and what comes before it
inline settle_leftover() {
#ifdef OVER_AS_HANDLED
  if
  :: type != 0 && IS_ROW_OVER(row) -> settle(HANDLED)
  :: else
  fi;
#endif
  settle_claims();
  if
  :: type != 0 && written_sequence == sequence && written_as != 0 && ticket >= sequence ->
     settle(written_as - 1)
  :: else
  fi;
  if
  :: type == 0
  :: type != 0 && attempts == 0 -> handle()
  :: type != 0 && attempts != 0 ->
     if
     :: failed()
     :: attempts < ATTEMPTS -> handle()
     fi
  fi;
  settle_claims()
}

#ifdef UNHELD_IS_EMPTY  // mutant
#define IS_OCCUPIED (type != 0)
#else
#define IS_OCCUPIED (type != 0 || claims_held || settling_place != 0)
#endif

// A daemon that starts: SlotFile::make() of a slot that is empty, and Journal::release_unowned().
inline made_anew() {
  if
  :: d_step {
       !IS_OCCUPIED ->
       attempts = 0; busy = false; row = 0; sequence = 0; ticket = 0; done_count = 0;
       claims_held = false;
       settling_count = 0; settling_place = 0; written_sequence = 0; written_as = 0;
       i = 1;
       do
       :: i <= MESSAGES ->
          if
          :: state[i] == running && owner[i] == US -> state[i] = waiting; owner[i] = NOBODY
          :: else
          fi;
          i++
       :: else -> break
       od;
       i = 0
     }
  :: true
  fi
}

#define IS_WAITING ((state[1] == waiting) || (state[2] == waiting) || (state[3] == waiting))

active proctype Worker() {
again:
  {
    made_anew();
    recover();
    settle_leftover();
end:
    do
    :: IS_WAITING || claims_held ->
       claim();
       do
       :: next < BATCH && claimed[next] != 0 ->
          load(claimed[next]);
          next++;
          handle()
       :: else -> break
       od
    od
  } unless { killed -> killed = false };
  goto again
}

// Another worker takes what is due and not ours.
active proctype Other() {
end:
  do
  :: d_step { state[1] == waiting -> state[1] = gone; work(1); assert(!over[1]); over[1] = true }
  od
}

#define IS_SETTLED(m) (over[m] -> state[m] == gone : state[m] == dead)
// It is over for good, and on the list or gone; or it is not over, and there.
#define IS_ASTRAY(m) \
  (over[m] -> !(state[m] == gone || (state[m] == running && IS_ROW_OVER(m))) : state[m] == gone)

active proctype Judge() {
  d_step { state[1] = waiting; state[2] = waiting; state[3] = waiting };
end:
  do
  :: atomic { repeats > kills -> assert(false) }
  :: atomic { IS_ASTRAY(1) || IS_ASTRAY(2) || IS_ASTRAY(3) -> assert(false) }
  :: atomic {
       timeout ->
       assert(type == 0 && !claims_held && done_count == 0);
       assert(IS_SETTLED(1) && IS_SETTLED(2) && IS_SETTLED(3));
       assert(tally[0] == end_of[0] && tally[1] == end_of[1] && tally[2] == end_of[2] &&
              tally[3] == end_of[3] && tally[RETRIED] == put_off);
       break
     }
  od
}
