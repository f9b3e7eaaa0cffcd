#pragma once

#include <cstddef>
#include <string>
#include <vector>

// Scenarios that must find fault with a daemon that is broken on purpose, and with no other. Each
// returns a sentence for every promise that the daemon under test has broken.
namespace myq::test {

// Workers of a memory queue are killed over their messages, `most` times or until that has lost
// one.
std::vector<std::string> kill_busy_workers(std::size_t most);

// The power is cut under senders that want confirmations, `most` times or until that has cost a
// confirmed message.
std::vector<std::string> cut_the_power(int most);

// Somebody who is a member of more groups than the service user starts the daemon.
std::vector<std::string> start_with_more_groups();

}  // namespace myq::test
