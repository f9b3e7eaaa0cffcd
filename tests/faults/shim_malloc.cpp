// LD_PRELOAD: a process in which memory runs out. FAIL_AT=N: the N-th allocation of a process, its
// parents' before the fork counted in, finds none; FAIL_FOR_EVER=1: and none does after it. The
// environment is read once, before main(): the daemon clears it.
//
// What fails is malloc and what stands beside it; operator new calls malloc.
#include <dlfcn.h>
#include <stdlib.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

extern "C" {
void* __libc_malloc(std::size_t size);                           // NOLINT: glibc's own names
void* __libc_calloc(std::size_t count, std::size_t size);        // NOLINT
void* __libc_realloc(void* old, std::size_t size);               // NOLINT
void* __libc_memalign(std::size_t alignment, std::size_t size);  // NOLINT
}

namespace {

long fail_at = 0;  // 0: not yet, or never
bool for_ever = false;
long allocations = 0;

__attribute__((constructor)) void read_environment() {
    if (const char* number = getenv("FAIL_AT")) fail_at = atol(number);
    for_ever = getenv("FAIL_FOR_EVER") != nullptr;
    allocations = 0;
}

// One thread a process.
bool is_out_of_memory() {
    if (fail_at == 0) return false;
    ++allocations;
    const bool fails = for_ever ? allocations >= fail_at : allocations == fail_at;
    if (fails) errno = ENOMEM;
    return fails;
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) noexcept {
    return is_out_of_memory() ? nullptr : __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
    return is_out_of_memory() ? nullptr : __libc_calloc(count, size);
}

void* realloc(void* old, std::size_t size) noexcept {
    return is_out_of_memory() ? nullptr : __libc_realloc(old, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    return is_out_of_memory() ? nullptr : __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
    void* found = is_out_of_memory() ? nullptr : __libc_memalign(alignment, size);
    if (found == nullptr) return ENOMEM;
    *memory = found;
    return 0;
}
}
