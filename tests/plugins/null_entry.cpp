// Cannot live with this host, and says so.
#include <myq/plugin.h>

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return nullptr;
}
