// A shared object that is no plugin: it exports something else.
extern "C" __attribute__((visibility("default"))) int not_the_entry() {
    return 0;
}
