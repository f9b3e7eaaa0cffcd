#pragma once

#include "daemon/slot_directory.hpp"
#include "daemon/unix/daemonize.hpp"
#include "daemon/worker_process.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <sys/wait.h>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace myq::test {

// A worker on a slot of its own, with the test as its supervisor.
struct WorkerBench {
    explicit WorkerBench(std::function<int(const WorkerSeat&)> body,
                         WorkerSpec::Recycle recycle = {})
        : worker(spec(std::move(body), recycle), slots.open("q.0", 100)) {}

    WorkerProcess::End wait_for_end() {
        int status = 0;
        ::waitpid(worker.pid(), &status, 0);
        return worker.ended(status);
    }

    std::chrono::milliseconds pause() const {
        return std::chrono::ceil<std::chrono::milliseconds>(*worker.next_event() - Clock::now());
    }

    static std::shared_ptr<WorkerSpec> spec(std::function<int(const WorkerSeat&)> body,
                                            WorkerSpec::Recycle recycle) {
        auto made = std::make_shared<WorkerSpec>(WorkerSpec{"q", std::move(body)});
        made->recycle = recycle;
        made->descriptors = Lines::descriptors();
        return made;
    }

    RunDir run;
    SlotDirectory slots{run.path(), current_identity()};
    WorkerProcess worker;
};

inline void ready(const WorkerSeat& seat) {
    Readiness(std::move(seat.report)).ready();
}

}  // namespace myq::test
