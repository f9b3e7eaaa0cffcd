#pragma once

#include "daemon/unix/owned.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace myq::test {

// One PHP process that answers questions by the thousand: serialize_peer.php says which. Ends with
// the status 77, which skips the test, where there is no PHP.
class PhpPeer {
public:
    PhpPeer();
    ~PhpPeer();
    PhpPeer(const PhpPeer&) = delete;
    PhpPeer& operator=(const PhpPeer&) = delete;

    // An answer for each question, nullopt where PHP has none.
    std::vector<std::optional<std::string>> ask(char verb,
                                                const std::vector<std::string>& questions);
    std::optional<std::string> ask(char verb, std::string_view question);

private:
    void write(std::string_view bytes);
    std::string read(std::size_t size);

    Fd to_, from_;
    pid_t pid_ = -1;
};

}  // namespace myq::test
