// Its struct ends before handle(): what lies behind must not be called.
#include <myq/plugin.h>

#include <cstddef>
#include <cstdlib>

namespace {

const myq_plugin described = {
    .size = offsetof(myq_plugin, handle),
    .abi_major = MYQ_ABI_MAJOR,
    .abi_minor = MYQ_ABI_MINOR,
    .name = "short_struct",
    .version = "1.0",
    .types = nullptr,
    .type_count = 0,
    .options = nullptr,
    .option_count = 0,
    .check = nullptr,
    .start = [](const myq_host*, const myq_option*, size_t, char*, size_t) -> void* { abort(); },
    .handle = [](void*, const myq_message*, myq_outcome*) { abort(); },
    .stop = [](void*) { abort(); },
    .most_at_once = nullptr,
    .handle_many = nullptr,
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return &described;
}
