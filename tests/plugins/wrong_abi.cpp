// Speaks a version of the contract that nobody knows. Nothing else of it may be looked at: the
// rest of the struct is not even there.
#include <myq/plugin.h>

namespace {

struct FromTheFuture {
    size_t size;
    uint32_t abi_major, abi_minor;
};
constexpr FromTheFuture described = {sizeof described, 99, 0};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return reinterpret_cast<const myq_plugin*>(&described);
}
