// An intake: kernel queue, a batch in its slot, one transaction. See README.md.
#ifndef MESSAGES
#define MESSAGES 3
#endif
#ifndef KILLS
#define KILLS 2
#endif
#define ROOM 2     // messages of a batch
#define TROUBLE 2  // times that the journal is full, or that its COMMIT fails
#include "life.pml"

#define FULL 1
#define FAILED 2
#define ACCEPTED 4

chan kernel = [MESSAGES] of { byte };

// SlotHeader and Batch::Head.
bool occupied;
byte sequence;
byte record_type[ROOM];
bool record_refused[ROOM];

// The journal.
byte ticket;
bool row[MESSAGES + 1];
byte trouble;

// The memory of the intake.
byte known, i;
bool may_grow, is_new;

// What messages want, and what their senders were told, ever.
bool asks[MESSAGES + 1];
byte told[MESSAGES + 1];
bool queued[MESSAGES + 1];
byte mark;

inline fill() {
  d_step {
    record_type[0] = 0; record_type[1] = 0;
    record_refused[0] = false; record_refused[1] = false
  }
}

// Batch::recover()
inline recover() {
  d_step { known = 0; i = 0; mark = 0; may_grow = false; is_new = false };
  if
  :: occupied ->
     known = (record_type[0] == 0 -> 0 : (record_type[1] == 0 -> 1 : 2));
     if
     :: known == 0 -> clear()
     :: else
     fi
  :: else -> fill()
  fi
}

// Batch::clear(), Slot::end_batch()
inline clear() {
  occupied = false;
  fill();
  known = 0
}

// Intake::fill(), Batch::next()
inline take() {
  do
  :: known < ROOM ->
     if
     :: known == 0 -> sequence++; occupied = true  // begin_batch()
     :: else
     fi;
     d_step { record_type[known] = 0; record_refused[known] = false };
     if
     :: atomic { kernel?mark -> queued[mark] = false; record_type[known] = mark; mark = 0 };
        known++
     :: known > 0 -> break
     fi
  :: else -> break
  od
}

// BatchWriter::write() in Journal::transact(): all of it, or nothing.
inline insert_all() {
  d_step {
#ifdef NO_TICKET  // mutant
    if
    :: false
#else
    if
    :: ticket >= sequence
#endif
    :: else ->
       i = 0;
       do
       :: i < known ->
          if
          :: record_refused[i]
          :: else -> assert(!row[record_type[i]]); row[record_type[i]] = true
          fi;
          i++
       :: else -> break
       od;
       i = 0;
       ticket = sequence
    fi
  }
}

// Confirmations::add() and send(): nobody is told before send().
inline tell(status) {
  d_step {
    i = 0;
    do
    :: i < known ->
       if
       :: asks[record_type[i]] && !record_refused[i] ->
          told[record_type[i]] = told[record_type[i]] | status
       :: else
       fi;
       i++
    :: else -> break
    od;
    i = 0
  }
}

inline over(r) {
  if
  :: r < known && asks[record_type[r]] -> record_refused[r] = true
  :: else
  fi
}

#define IS_OVER(r) (r >= known || record_refused[r])

// Intake::refuse()
inline refuse(status) {
#ifdef REFUSED_UNTOLD  // mutant
  d_step { is_told[0] = IS_OVER(0); is_told[1] = IS_OVER(1) };
  over(0);
  over(1);
  tell_those(status);
#else
  tell(status);
  over(0);
  over(1);
#endif
  if
  :: IS_OVER(0) && IS_OVER(1) -> clear()
  :: else
  fi
}

#ifdef REFUSED_UNTOLD
bool is_told[ROOM];

inline tell_those(status) {
  d_step {
    i = 0;
    do
    :: i < known ->
       if
       :: asks[record_type[i]] && !is_told[i] ->
          told[record_type[i]] = told[record_type[i]] | status
       :: else
       fi;
       i++
    :: else -> break
    od;
    i = 0; is_told[0] = false; is_told[1] = false
  }
}
#endif

// Intake::write()
inline write() {
#ifdef CONFIRM_EARLY  // mutant
  tell(ACCEPTED);
#endif
  is_new = ticket < sequence;
  if
  :: is_new && trouble < TROUBLE -> trouble++; refuse(FULL); may_grow = true
  :: trouble < TROUBLE ->
     trouble++;
     if
     :: insert_all()  // it was written, and nobody learned of it
     :: true
     fi;
     refuse(FAILED);
#ifdef GROWN_IN_DOUBT  // mutant
     may_grow = true
#else
     may_grow = known == 0
#endif
  :: true ->
     insert_all();
#ifdef CLEAR_FIRST  // mutant
     mark = known;
     occupied = false;
     d_step { known = mark; mark = 0 };
     tell(ACCEPTED);
     clear();
#else
     tell(ACCEPTED);
     clear();
#endif
     may_grow = true
  fi
}

active proctype Intake() {
again:
  {
    recover();
#ifdef GROWN_LEFTOVER  // mutant
    may_grow = true;
#else
    may_grow = known == 0;
#endif
end:
    do
    :: known < ROOM && may_grow && (known > 0 || nempty(kernel)) -> take(); write()
    :: known > 0 -> write()
    od
  } unless { killed -> killed = false };
  goto again
}

#define HELD(m) \
  (occupied && ((record_type[0] == m && !record_refused[0]) || \
                (record_type[1] == m && !record_refused[1])))
// Once its sender was told that it is taken, it is there; whoever did not ask is told nothing, and is
// never refused.
#define IS_ASTRAY(m) \
  (queued[m] + row[m] + (HELD(m) && ticket < sequence) > 1 || \
   (!asks[m] && !queued[m] && !row[m] && !HELD(m)) || \
   ((told[m] & ACCEPTED) && !row[m]))
// In the end everybody who asked was told, and who was told nothing but "full" has nothing there.
#define IS_TRUE(m) \
  (asks[m] -> told[m] != 0 && (told[m] != FULL || !row[m]) && (told[m] != ACCEPTED || row[m]) \
           : row[m] && told[m] == 0)

active proctype Judge() {
  byte m;
  atomic {
    for (m : 1 .. MESSAGES) {
      kernel!m;
      queued[m] = true;
      if
      :: asks[m] = true
      :: true
      fi
    }
    m = 0
  };
end:
  do
  :: atomic { IS_ASTRAY(1) || IS_ASTRAY(2) || IS_ASTRAY(3) -> assert(false) }
  :: atomic {
       timeout ->
       assert(empty(kernel) && !occupied);
       assert(IS_TRUE(1) && IS_TRUE(2) && IS_TRUE(3));
       break
     }
  od
}
