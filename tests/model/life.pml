// What lies in shared memory and what kills: the same in every model here. A process of ours is
//     again: { life } unless { killed -> killed = false }; goto again
// so that it may end before any of its steps, and its successor begins with what the memory holds.
// One step is what nobody can be killed in: a store, a system call, a COMMIT.

bool killed = false;
byte kills = 0;

active proctype Killer() {
end:
  do
  :: atomic { kills < KILLS && !killed -> kills++; killed = true }
  od
}
