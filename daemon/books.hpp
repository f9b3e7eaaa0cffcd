#pragma once

#include "daemon/journal_access.hpp"
#include "daemon/slot.hpp"
#include "daemon/worker.hpp"

namespace myq {

// What a worker does with the journal for the last worker on its slot, who could not: carries out
// what that decided for its message, takes down what a sender wants to be taken down, ends and
// gives back the rows that were claimed. What is left in the slot afterwards is for handlers. Of
// the slot nothing is believed that could harm another queue. False if asked to stop while the
// journal could not be written.
bool keep_books(const WorkerTask& task, Slot& slot, JournalAccess& journal);

// The last part of it: what a killed worker had claimed and not begun is given back. Whoever looked
// for work meanwhile did not find it, and is told to look again. False as keep_books().
bool give_back_claims(const WorkerTask& task, Slot& slot, JournalAccess& journal);

}  // namespace myq
