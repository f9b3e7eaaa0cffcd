#include "client/kernel_table.hpp"

#include "client/failure.hpp"
#include "config/config.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace myq {

namespace {

// The longest answer to a sender that asks for confirmations: docs/wire-format.md.
constexpr std::uint64_t longest_answer = 8192;

std::vector<std::uint64_t> numbers_in(const std::string& name) {
    const std::string path = "/proc/sys/kernel/" + name;
    std::ifstream file(path);
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t number = 0; file >> number;)
        numbers.push_back(number);
    if (numbers.empty()) {
        throw Failure(ExitCode::system, fmt::format("{}: cannot be read: is /proc mounted?", path));
    }
    return numbers;
}

std::uint64_t number_in(const std::string& name) {
    return numbers_in(name).front();
}

// What there is of one kind of object.
struct Objects {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;  // of the column that was asked for
};

// `column` counts from 0. What cannot be read counts as nothing: a kernel without that kind.
Objects objects_in(const std::string& kind, std::size_t column) {
    std::ifstream file("/proc/sysvipc/" + kind);
    Objects objects;
    std::string line;
    std::getline(file, line);  // the heading
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string word;
        for (std::size_t i = 0; i <= column; ++i)
            words >> word;
        ++objects.count;
        objects.sum += std::strtoull(word.c_str(), nullptr, 10);
    }
    return objects;
}

std::optional<std::uint64_t> largest_capacity(const Config& config) {
    std::optional<std::uint64_t> largest;
    for (const QueueConfig& queue : config.queues)
        largest = std::max(largest, queue.capacity);
    return largest;
}

void add_messages(std::vector<KernelRow>& rows, const std::optional<Config>& config) {
    const Objects queues = objects_in("msg", 3);
    KernelRow body{"kernel.msgmax", number_in("msgmax"), {}, {}, "bytes in one message"};
    KernelRow capacity{"kernel.msgmnb", number_in("msgmnb"), {}, {}, "bytes in one queue"};
    KernelRow count{"kernel.msgmni", number_in("msgmni"), queues.count, {}, "queues"};
    if (config) {
        body.needed = longest_answer;
        capacity.needed = largest_capacity(*config);
        count.needed = config->queues.size();
    }
    rows.insert(rows.end(), {body, capacity, count});
}

void add_memory(std::vector<KernelRow>& rows) {
    const Objects segments = objects_in("shm", 3);
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    rows.push_back({"kernel.shmmax", number_in("shmmax"), {}, {}, "bytes in one segment"});
    rows.push_back({"kernel.shmall",
                    number_in("shmall"),
                    (segments.sum + page - 1) / page,
                    {},
                    fmt::format("pages of {} bytes in all segments", page)});
    rows.push_back({"kernel.shmmni", number_in("shmmni"), segments.count, {}, "segments"});
}

void add_semaphores(std::vector<KernelRow>& rows) {
    const Objects sets = objects_in("sem", 3);
    std::vector<std::uint64_t> limits = numbers_in("sem");
    limits.resize(4);
    rows.push_back({"kernel.sem[1]", limits[0], {}, {}, "semaphores in one set (SEMMSL)"});
    rows.push_back({"kernel.sem[2]", limits[1], sets.sum, {}, "semaphores in all sets (SEMMNS)"});
    rows.push_back({"kernel.sem[3]", limits[2], {}, {}, "operations in one semop (SEMOPM)"});
    rows.push_back({"kernel.sem[4]", limits[3], sets.count, {}, "sets (SEMMNI)"});
}

}  // namespace

std::vector<KernelRow> kernel_table(const std::optional<Config>& config) {
    std::vector<KernelRow> rows;
    add_messages(rows, config);
    add_memory(rows);
    add_semaphores(rows);
    return rows;
}

}  // namespace myq
