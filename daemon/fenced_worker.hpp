#pragma once

#include "daemon/worker.hpp"

namespace myq {

// run_worker() for a queue with a sandbox. First it keeps the books, with none of the handlers'
// code in its process; then it closes the journal, puts up the fence and starts the handlers. It
// leaves when a message asks for more than to be handled, and when what it had claimed is done:
// then its successor begins with the books. See WorkerSpec::works_in_shifts.
int run_fenced_worker(const WorkerTask& task, const WorkerSeat& seat) noexcept;

}  // namespace myq
