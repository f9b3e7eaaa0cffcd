#pragma once

#include "client/doctor/finding.hpp"
#include "client/doctor/patient.hpp"

namespace myq::doctor {

// Each looks at one side of the patient, changes nothing, and adds at least one finding.

// The file, and everything that `myqd -t` knows of it: plugins and their modes, users, squatters on
// a queue's key.
void check_configuration(const Patient& patient, Findings& findings);

// Whether it runs, in this IPC namespace, and whether it can write its journal.
void check_daemon(const Patient& patient, Findings& findings);

// Whether each queue is there and as it is configured, and whether messages are dead or stand
// still.
void check_queues(const Patient& patient, Findings& findings);

// The kernel's limits: too small, or nearly used up.
void check_limits(const Patient& patient, Findings& findings);

// The journal's disk: room, kind, and how long it takes to sync.
void check_disk(const Patient& patient, Findings& findings);

// Whether it is started at boot, and whether systemd-logind removes its queues.
void check_boot(const Patient& patient, Findings& findings);

}  // namespace myq::doctor
