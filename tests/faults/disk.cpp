#include "tests/faults/disk.hpp"

#include "tests/faults/processes.hpp"
#include "tests/support/run.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <linux/ioctl.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace myq::test {

namespace fs = std::filesystem;

namespace {

// FS_IOC_SHUTDOWN of <linux/fs.h>, which is newer than Debian 12's headers; and its way that does
// not even write the file system's own log.
constexpr unsigned long shut_down = _IOR('X', 125, __u32);  // NOLINT: the kernel's macro
constexpr __u32 without_flushing_the_log = 2;

void must(bool ok, const std::string& what) {
    if (!ok) throw std::system_error(errno, std::generic_category(), what);
}

class File {
public:
    File(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
        must(fd_ >= 0, path.string());
    }
    ~File() { ::close(fd_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const { return fd_; }

private:
    int fd_;
};

}  // namespace

Disk::Disk(fs::path where, std::uint64_t bytes)
    : where_(std::move(where)),
      image_("/mnt/disk.ext4") {
    fs::create_directories(where_);
    File(image_, O_RDWR | O_CREAT | O_TRUNC);
    fs::resize_file(image_, bytes);
    // Nothing kept back for root: the service user finds it as full as anybody.
    const Run made = run({"mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0", image_});
    if (made.exit_code != 0) skip("mkfs.ext4: " + made.err);
    mount();
    const struct passwd* service = ::getpwnam("myq");
    must(::chown(where_.c_str(), service->pw_uid, service->pw_gid) == 0, "chown");
    must(::chmod(where_.c_str(), 0700) == 0, "chmod");
    fs::remove(where_ / "lost+found");
}

Disk::~Disk() {
    ::umount2(where_.c_str(), MNT_DETACH);
    fs::remove(image_);
}

void Disk::mount() const {
    const Run mounted = run({"mount", "-t", "ext4", "-o", "loop", image_, where_});
    if (mounted.exit_code != 0) skip("mount -o loop: " + mounted.err);
}

void Disk::cut_power() const {
    const File root(where_, O_RDONLY | O_DIRECTORY);
    __u32 how = without_flushing_the_log;
    must(::ioctl(root.fd(), shut_down, &how) == 0, "FS_IOC_SHUTDOWN");
}

void Disk::come_back() const {
    // The last of those that were killed may still be on its way out.
    const bool gone = eventually([&] { return ::umount2(where_.c_str(), 0) == 0; });
    must(gone, "umount " + where_.string());
    mount();
}

void Disk::fill(std::uint64_t left) const {
    struct statvfs disk {};
    must(::statvfs(where_.c_str(), &disk) == 0, "statvfs");
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    const File ballast(where_ / "ballast", O_RDWR | O_CREAT);
    // Block by block at the end: what the file's own extents need is not known before.
    for (std::uint64_t size = free > left ? free - left : 0; size >= disk.f_frsize;) {
        struct stat st {};
        must(::fstat(ballast.fd(), &st) == 0, "fstat");
        if (::fallocate(ballast.fd(), 0, st.st_size, static_cast<off_t>(size)) == 0) {
            if (left > 0) return;
            continue;
        }
        must(errno == ENOSPC, "fallocate");
        size /= 2;
    }
}

void Disk::empty() const {
    fs::remove(where_ / "ballast");
}

}  // namespace myq::test
