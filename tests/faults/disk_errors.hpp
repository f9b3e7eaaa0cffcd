#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace myq::test {

// While it lives, system calls of these processes go wrong, as strace(1) does it.
class DiskErrors {
public:
    // `calls`: "fsync,fdatasync". `fault`: "error=EIO", or whatever else strace can inject. A call
    // that begins in the same moment may still succeed.
    DiskErrors(const std::vector<pid_t>& processes, const std::string& calls,
               const std::string& fault);
    ~DiskErrors();
    DiskErrors(const DiskErrors&) = delete;
    DiskErrors& operator=(const DiskErrors&) = delete;

private:
    std::vector<pid_t> processes_;
    pid_t strace_ = 0;
};

}  // namespace myq::test
