#include "daemon/unix/fence.hpp"

#include "daemon/unix/call_filter.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/landlock.hpp"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace myq {

namespace {

void set_limit(const Fence::Limit& limit) {
    const auto resource = static_cast<__rlimit_resource_t>(limit.resource);
    rlimit now{};
    if (::getrlimit(resource, &now) != 0) throw failure("getrlimit");
    // SIGXCPU says what it was; a second later SIGKILL does not.
    const rlim_t more = limit.resource == RLIMIT_CPU ? 1 : 0;
    now.rlim_max = std::min<rlim_t>(now.rlim_max, limit.most + more);
    now.rlim_cur = std::min<rlim_t>(now.rlim_max, limit.most);
    if (::setrlimit(resource, &now) != 0) throw failure("setrlimit");
}

CallsToHold left_by_landlock(const Fence& fence, int landlock) {
    return {.truncate = landlock > 0 && landlock < landlock_with_truncate,
            .signals = !fence.signals_stay_inside || landlock < landlock_with_scopes};
}

}  // namespace

std::vector<std::string> beyond_kernel(const Fence& fence) {
    std::vector<std::string> sentences;
    const int landlock = landlock_version();
    if ((fence.read || fence.write) && landlock == 0)
        sentences.emplace_back(
            "Landlock is not in this kernel, or switched off: paths are not held");
    if (fence.signals_stay_inside && fence.other_processes && landlock < landlock_with_scopes)
        sentences.emplace_back("Landlock of this kernel does not hold signals");
    if (!call_filter(fence, left_by_landlock(fence, landlock)).empty() && !has_call_filter())
        sentences.emplace_back("there is no seccomp here: calls are not held");
    return sentences;
}

void raise_fence(const Fence& fence) {
    const int landlock = landlock_version();
    for (const Fence::Limit& limit : fence.limits)
        set_limit(limit);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw failure("PR_SET_NO_NEW_PRIVS");
    if (landlock > 0) restrict_paths(fence, landlock);
    std::vector<sock_filter> code = call_filter(fence, left_by_landlock(fence, landlock));
    if (code.empty() || !has_call_filter()) return;
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) throw failure("seccomp");
}

MemoryInUse memory_in_use() {
    // proc(5): size resident shared text lib data dt, in pages.
    std::ifstream statm("/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t other = 0;
    std::uint64_t data = 0;
    statm >> size >> other >> other >> other >> other >> data;
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return {size * page, data * page};
}

}  // namespace myq
