#include "client/stat_json.hpp"

#include <nlohmann/json.hpp>

namespace myq {

nlohmann::ordered_json to_json(const QueueStat& stat) {
    return {{"key", stat.key},
            {"id", stat.id},
            {"cuid", stat.creator_uid},
            {"cgid", stat.creator_gid},
            {"cbytes", stat.bytes},
            {"msg_perm.uid", stat.uid},
            {"msg_perm.gid", stat.gid},
            {"msg_perm.mode", stat.mode},
            {"msg_stime", stat.last_send_time},
            {"msg_rtime", stat.last_receive_time},
            {"msg_ctime", stat.change_time},
            {"msg_qnum", stat.messages},
            {"msg_qbytes", stat.capacity},
            {"msg_lspid", stat.last_send_pid},
            {"msg_lrpid", stat.last_receive_pid}};
}

}  // namespace myq
