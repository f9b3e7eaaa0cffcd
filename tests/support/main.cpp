// main() of every test program. It knows whether the present case has failed: see verdict.hpp. A
// filter that selects no case is a failure: CTest would count a name that got lost on its way (a
// semicolon ends it there) as passed.
#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/support/verdict.hpp"

#include <doctest/doctest.h>

#include <cstdio>

namespace {

using myq::test::case_has_failed;

bool selects_nothing = false;

struct Watch : doctest::IReporter {
    explicit Watch(const doctest::ContextOptions&) {}
    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats& run) override {
        selects_nothing = run.numTestCasesPassingFilters == 0;
    }
    void test_case_start(const doctest::TestCaseData&) override { case_has_failed = false; }
    void test_case_reenter(const doctest::TestCaseData&) override { case_has_failed = false; }
    void test_case_end(const doctest::CurrentTestCaseStats&) override {}
    void test_case_exception(const doctest::TestCaseException&) override { case_has_failed = true; }
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData& assertion) override {
        if (assertion.m_failed && (assertion.m_at & doctest::assertType::is_warn) == 0)
            case_has_failed = true;
    }
    void log_message(const doctest::MessageData& message) override {
        if ((message.m_severity & doctest::assertType::is_warn) == 0) case_has_failed = true;
    }
    void test_case_skipped(const doctest::TestCaseData&) override {}
};

REGISTER_LISTENER("watch", 1, Watch);

}  // namespace

int main(int argc, char** argv) {
    doctest::Context context(argc, argv);
    const int result = context.run();
    if (context.shouldExit() || !selects_nothing) return result;
    std::fputs("no test case is selected\n", stderr);
    return 1;
}
