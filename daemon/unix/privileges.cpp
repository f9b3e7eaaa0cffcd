#include "daemon/unix/privileges.hpp"

#include "daemon/unix/failure.hpp"

#include <cap-ng.h>

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <vector>

namespace myq {

namespace {

void must(bool ok, const char* step) {
    if (!ok) throw failure(std::string("cannot drop privileges: ") + step);
}

void prove(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(std::string("privileges were not dropped: ") + what);
}

std::set<gid_t> groups_of_process() {
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    must(count >= 0, "getgroups");
    return {groups.begin(), groups.begin() + count};
}

std::set<gid_t> groups_of(const Identity& identity) {
    int count = NGROUPS_MAX;
    std::vector<gid_t> groups(NGROUPS_MAX);
    must(::getgrouplist(identity.user.c_str(), identity.gid, groups.data(), &count) >= 0,
         "getgrouplist");
    return {groups.begin(), groups.begin() + count};
}

void prove_dropped(const Identity& identity, const DropOptions& options) {
    uid_t real_uid = 0;
    uid_t effective_uid = 0;
    uid_t saved_uid = 0;
    gid_t real_gid = 0;
    gid_t effective_gid = 0;
    gid_t saved_gid = 0;
    must(::getresuid(&real_uid, &effective_uid, &saved_uid) == 0, "getresuid");
    must(::getresgid(&real_gid, &effective_gid, &saved_gid) == 0, "getresgid");
    prove(real_uid == identity.uid && effective_uid == identity.uid && saved_uid == identity.uid,
          "a uid is still another");
    prove(real_gid == identity.gid && effective_gid == identity.gid && saved_gid == identity.gid,
          "a gid is still another");
    prove(groups_of_process() == groups_of(identity), "the supplementary groups are others");
    prove(::setuid(0) != 0 && ::seteuid(0) != 0, "setuid(0) succeeds");
    prove(::setgid(0) != 0 || identity.gid == 0, "setgid(0) succeeds");
    const capng_results_t expected = options.keep_ipc_owner ? CAPNG_PARTIAL : CAPNG_NONE;
    capng_clear(CAPNG_SELECT_ALL);
    must(capng_get_caps_process() == 0, "capget");
    prove(capng_have_capabilities(CAPNG_SELECT_CAPS) == expected, "capabilities are left");
    if (options.no_new_privs) {
        prove(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs is not set");
    }
}

}  // namespace

gid_t find_group(const std::string& group) {
    const struct group* entry = ::getgrnam(group.c_str());
    if (entry == nullptr) {
        throw std::invalid_argument("there is no group '" + group +
                                    "'; make it with groupadd --system " + group);
    }
    return entry->gr_gid;
}

uid_t find_user(const std::string& user) {
    const struct passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr) {
        throw std::invalid_argument("there is no user '" + user +
                                    "'; make it with useradd --system " + user);
    }
    return entry->pw_uid;
}

Identity find_identity(const std::string& user, const std::string& group) {
    Identity identity{user, group, find_user(user), find_group(group)};
    if (identity.uid == 0) {
        throw std::invalid_argument("user '" + user + "' is root; handlers never run as root");
    }
    return identity;
}

Identity current_identity() {
    Identity identity;
    identity.uid = ::geteuid();
    identity.gid = ::getegid();
    const struct passwd* user = ::getpwuid(identity.uid);
    identity.user = user != nullptr ? user->pw_name : std::to_string(identity.uid);
    const struct group* group = ::getgrgid(identity.gid);
    identity.group = group != nullptr ? group->gr_name : std::to_string(identity.gid);
    return identity;
}

void drop_privileges(const Identity& identity, const DropOptions& options) {
    // The bounding set first: emptying it needs CAP_SETPCAP.
    capng_clear(CAPNG_SELECT_BOTH);
    must(capng_apply(CAPNG_SELECT_BOUNDS) == 0, "emptying the capability bounding set");
    // Groups before the uid: afterwards nobody may change them any more.
    must(::initgroups(identity.user.c_str(), identity.gid) == 0, "initgroups");
    must(::setresgid(identity.gid, identity.gid, identity.gid) == 0, "setresgid");
    if (options.keep_ipc_owner) must(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0, "PR_SET_KEEPCAPS");
    must(::setresuid(identity.uid, identity.uid, identity.uid) == 0, "setresuid");

    capng_clear(CAPNG_SELECT_BOTH);
    if (options.keep_ipc_owner) {
        const auto both = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
        must(capng_update(CAPNG_ADD, both, CAP_IPC_OWNER) == 0, "keeping CAP_IPC_OWNER");
    }
    must(capng_apply(CAPNG_SELECT_CAPS) == 0, "emptying the capability sets");
    must(::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == 0, "PR_SET_KEEPCAPS");
    must(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0, "PR_CAP_AMBIENT");
    if (options.no_new_privs) {
        must(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
    }
    prove_dropped(identity, options);
}

}  // namespace myq
