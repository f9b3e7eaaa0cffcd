#pragma once

namespace myq::test {

// What a daemon with two queues answers to "status".
constexpr const char* status_answer = R"({
"version":"0.1.0","pid":4711,"started_ms":1714557600000,"state":"running","reload":null,
"workers":[
 {"pid":4712,"queue":"jobs","role":"receiver","slot":"jobs.0","state":"busy","type":7,"messages":17,"attempt":2},
 {"pid":4713,"queue":"jobs","role":"journal","slot":"jobs.1","state":"idle","type":null,"messages":3,"attempt":0},
 {"pid":4714,"queue":"mails","role":"intake","slot":"mails.0","state":"idle","type":null,"messages":0,"attempt":0}],
"queues":[
 {"name":"jobs","key":"0x6d797101","durability":"memory",
  "kernel":{"messages":10,"bytes":640,"capacity":16384},
  "types":[
   {"type":7,"name":"resize","handled":900,"retried":12,"dead":3,"expired":1,"dropped":2,"refused":0,
    "waiting":{"slots":1,"ready":8,"delayed":15,"running":5}},
   {"type":9,"name":"","handled":1,"retried":0,"dead":0,"expired":0,"dropped":0,"refused":0,
    "waiting":{"slots":0,"ready":0,"delayed":0,"running":0}},
   {"type":null,"name":"","handled":100,"retried":0,"dead":0,"expired":0,"dropped":0,"refused":0,
    "waiting":{"slots":1,"ready":0,"delayed":0,"running":0}}]},
 {"name":"mails","key":"0x6d797102","durability":"journal","kernel":null,"types":[]}],
"journal":{"path":"/var/lib/myq/journal.db","error":""}})";

}  // namespace myq::test
