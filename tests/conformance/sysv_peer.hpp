#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace myq::test {

// A language that evaluates what it is told, with nothing of ours: sysv_peer.php and its like.
struct Language {
    std::string_view program, script, probe_option, probe;
};
inline constexpr Language php{"php", "sysv_peer.php", "-r",
                              "exit(function_exists('sem_get') && "
                              "function_exists('shm_attach') ? 0 : 1);"};
inline constexpr Language python{"/usr/bin/python3", "sysv_peer.py", "-c", "import sysv_ipc"};
inline constexpr Language perl{"perl", "sysv_peer.pl", "-MIPC::SharedMem", "-e0"};

// A process of that language, until the end of this object. Where the language, or what it needs,
// is not installed, the whole test program ends as skipped.
class Peer {
public:
    explicit Peer(const Language& language);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    // What it answers to a line; the test has failed when it answers nothing for half a minute.
    std::string says(std::string_view line);

    // The same in two steps, for what takes its time. Line breaks become blanks.
    void begin(std::string_view line);
    std::string answer();

    // Waits until it sleeps in a semop(2).
    bool waits_for_semaphore() const;

    pid_t pid() const { return pid_; }
    void end();   // as at the end of a script
    void kill();  // SIGKILL

private:
    void reap();

    pid_t pid_ = -1;
    int to_ = -1, from_ = -1;
    std::string read_;
};

}  // namespace myq::test
