// A call of many: the message in the hand, and behind it the slot's handful. See README.md.
#ifndef MESSAGES
#define MESSAGES 3
#endif
#ifndef KILLS
#define KILLS 2
#endif
#define MOST 3  // messages that the handler takes in one call
#define ROOM 2  // records of the handful
#include "life.pml"

#define HANDLED 0
#define RETRIED 1

chan kernel = [MESSAGES] of { byte };

// SlotHeader, and what lies in the handful. `type` stands for the message.
byte type, attempts, sequence, settling_count, settling_place;
bool busy;
byte tally[2];
bool open;
byte moving, settling, in_call;  // a record, plus one
byte record_type[ROOM];
bool record_over[ROOM];
bool record_tried[ROOM];

// The journal, where slot.pml has looked at the ticket already.
byte ticket;
bool row[MESSAGES + 1];

// The memory of the worker: how many records it knows, and what the handler made of the call.
byte known, count, i;
bool done[MOST];

bool over[MESSAGES + 1], queued[MESSAGES + 1];
byte good[MESSAGES + 1], repeats, end_of[2], mark;

inline work(m) {
  d_step {
    if
    :: good[m] > 0 -> repeats++
    :: else
    fi;
    good[m]++
  }
}

#define IS_LEFT(r) (r < known && !record_over[r])
#define HAS_LEFT (IS_LEFT(0) || IS_LEFT(1))
#define FIRST_LEFT (IS_LEFT(0) -> 0 : 1)

inline landed() {
  attempts = 0;
  sequence++;
  busy = true
}

// Slot::settle()
inline settle(kind) {
  settling_count = tally[kind] + 1;  // begin_settling()
  settling_place = kind + 1;
  d_step {  // the acknowledgement
    end_of[kind]++;
    over[type] = (kind == HANDLED);
    type = 0
  };
  finish_settling();
  busy = false
}

inline settle_in_handful(r) {
#ifdef COUNT_AFTER  // mutant
  d_step { end_of[HANDLED]++; over[record_type[r]] = true; record_over[r] = true };
  tally[HANDLED]++
#else
#ifndef NO_PLACE  // mutant
  settling = r + 1;
#endif
  settling_count = tally[HANDLED] + 1;
  settling_place = HANDLED + 1;
  d_step { end_of[HANDLED]++; over[record_type[r]] = true; record_over[r] = true };  // mark_over()
  finish_settling()
#endif
}

inline finish_settling() {
  if
  :: settling_place != 0 && ((settling == 0 && type == 0) ||
       (settling != 0 && settling <= known && record_over[settling - 1])) ->
     tally[settling_place - 1] = settling_count
  :: else
  fi;
  settling_place = 0;
  settling = 0
}

inline finish_moving() {
  if
  :: moving != 0 && type != 0 && moving <= known -> record_over[moving - 1] = true
  :: else
  fi;
  moving = 0
}

inline fill() {
  d_step {
    record_type[0] = 0; record_type[1] = 0;
    record_over[0] = false; record_over[1] = false;
    record_tried[0] = false; record_tried[1] = false
  }
}

// Handful::clear()
inline clear() {
  open = false;
  fill();
  known = 0
}

// Handful::attach(), then Slot::recover()
inline recover() {
  d_step { known = 0; count = 0; i = 0; done[0] = false; done[1] = false; done[2] = false };
  if
  :: open ->
     known = (record_type[0] == 0 -> 0 : (record_type[1] == 0 -> 1 : 2));
#ifdef EMPTIED_UNCOUNTED  // mutant
     clear_if_over()
#endif
  :: else -> fill()
  fi;
  finish_settling();
  finish_moving();
#ifndef EMPTIED_UNCOUNTED
  clear_if_over();
#endif
  if
  :: type == 0 -> d_step { attempts = 0; busy = false }
  :: type != 0 && !busy -> landed()
  :: else
  fi
}

inline clear_if_over() {
  if
  :: open && !HAS_LEFT -> clear()
  :: else
  fi
}

// Slot::take_next()
inline take_next() {
  if
  :: HAS_LEFT ->
     i = FIRST_LEFT;
#ifdef OVER_FIRST  // mutant
     d_step { mark = record_type[i]; record_over[i] = true };
     load(mark);
     mark = 0
#else
#ifndef NO_MOVING  // mutant
     moving = i + 1;
#endif
     load(record_type[i]);
#ifdef NO_MOVING
     record_over[i] = true;
#else
     finish_moving();
#endif
#endif
     clear_if_over()
  :: !HAS_LEFT && open -> clear()
  :: else
  fi
}

inline load(m) {
  landed();
  attempts = record_tried[i];
  type = m
}

// Outcomes::failed()
inline failed() {
  d_step {  // write()
    if
    :: ticket >= sequence
    :: else -> assert(!row[type] && !over[type]); row[type] = true; ticket = sequence
    fi
  };
  settle(RETRIED)
}

// Handling::handle_alone()
inline handle_alone() {
  attempts++;
  if
  :: work(type); settle(HANDLED)
  :: failed()
  fi
}

// Many::gather(): what is there; the first that is not fit ends it, and waits in the handful.
inline gather() {
  count = 1;
  do
  :: count < MOST && known < ROOM ->
     d_step { record_type[known] = 0; record_over[known] = false; record_tried[known] = false };
     open = true;
     if
     :: atomic {
          kernel?mark -> queued[mark] = false; record_type[known] = mark; mark = 0 }
        known++;
        if
        :: count++
        :: break  // not fit
        fi
     :: break  // it waits for nobody
     fi
  :: else -> break
  od
}

// Slot::begin_call()
inline begin_call() {
  if
  :: count > 1 -> record_tried[0] = true
  :: else
  fi;
  if
  :: count > 2 -> record_tried[1] = true
  :: else
  fi;
  attempts++;
  in_call = count
}

// Handling::handle_many()
inline handle_many() {
  begin_call();
  i = 0;
  do
  :: i < count ->
     if
     :: d_step { mark = (i == 0 -> type : record_type[i - 1]) };
        work(mark);
        d_step { done[i] = true; mark = 0 }
     :: done[i] = false
     fi;
     i++
  :: else -> break
  od;
  in_call = 0;
  if
  :: done[1] -> settle_in_handful(0)
  :: else
  fi;
  if
  :: done[2] -> settle_in_handful(1)
  :: else
  fi;
  if
  :: done[0] -> settle(HANDLED)
  :: else -> failed()
  fi;
  if
  :: count > 1 && !done[1] -> take_next(); failed()
  :: else
  fi;
  if
  :: count > 2 && !done[2] -> take_next(); failed()
  :: else
  fi;
  d_step { done[0] = false; done[1] = false; done[2] = false }
}

inline handle_all() {
  do
  ::
     if
     :: attempts == 0 && source -> gather()
     :: else -> count = 1
     fi;
     if
     :: count > 1 -> handle_many()
     :: else -> handle_alone()
     fi;
     if
     :: open ->
        take_next();
        if
        :: type == 0 -> break
        :: else
        fi
     :: else -> break
     fi
  od
}

// Handling::settle_hand()
inline settle_hand() {
  if
  :: type != 0 && ticket >= sequence -> settle(RETRIED)  // settle_written()
  :: else
  fi;
  if
  :: type == 0
  :: type != 0 && attempts == 0 -> handle_alone()
  :: type != 0 && attempts != 0 ->
     if
     :: failed()
     :: handle_alone()
     fi
  fi
}

// Handling::settle_leftover(): each alone.
inline settle_leftover() {
  in_call = 0;
  settle_hand();
  do
  :: open ->
     take_next();
     if
     :: type != 0 -> settle_hand()
     :: else -> break
     fi
  :: else -> break
  od
}

bool source;

active proctype Worker() {
again:
  {
    source = false;
    recover();
    settle_leftover();
    source = true;
end:
    do
    :: atomic { kernel?mark -> queued[mark] = false; type = mark; mark = 0 };
       landed();
       handle_all()
    od
  } unless { killed -> killed = false };
  goto again
}

#define IN_RECORD(r, m) (record_type[r] == m && !record_over[r] && !(type == m && moving == r + 1))
#define HELD(m) ((type == m) + (open && IN_RECORD(0, m)) + (open && IN_RECORD(1, m)))
#define IS_ASTRAY(m) \
  (type == m && ticket >= sequence \
     -> queued[m] || over[m] \
     : queued[m] + over[m] + row[m] + HELD(m) != 1)

active proctype Judge() {
  byte m;
  atomic {
    for (m : 1 .. MESSAGES) {
      kernel!m;
      queued[m] = true
    }
    m = 0
  };
end:
  do
  :: atomic { repeats > MOST * kills -> assert(false) }
  :: atomic { IS_ASTRAY(1) || IS_ASTRAY(2) || IS_ASTRAY(3) -> assert(false) }
  :: atomic {
       timeout ->
       assert(empty(kernel) && type == 0 && !open);
       assert(over[1] + row[1] == 1 && over[2] + row[2] == 1 && over[3] + row[3] == 1);
       assert(tally[HANDLED] == end_of[HANDLED] && tally[RETRIED] == end_of[RETRIED]);
       assert(end_of[HANDLED] + end_of[RETRIED] == MESSAGES);
       break
     }
  od
}
