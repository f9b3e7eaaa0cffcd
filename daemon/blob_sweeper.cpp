#include "daemon/blob_sweeper.hpp"

#include "daemon/blob_sweep.hpp"
#include "daemon/unix/child.hpp"

#include <spdlog/spdlog.h>

#include <cstdlib>

namespace myq {

void BlobSweeper::sweep(const Plan& plan) {
    if (sweeper_ != 0 || !has_blobs_to_judge(service_)) return;
    try {
        ChildPid child = fork_child([&] {
            sweep_blobs(plan.queues, slots_, service_, SweepTime::at_work);
            return EXIT_SUCCESS;
        });
        sweeper_ = child.disown();
    } catch (const std::exception& e) {
        spdlog::error("cannot look for shared memory that nobody needs: {}", e.what());
    }
}

}  // namespace myq
