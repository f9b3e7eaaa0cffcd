#pragma once

#include <myq/handler.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

// What a parameter of the statement is.
enum class Field { body, id, type, type_name, queue, attempt };

// The options of `sql`, all of them checked; see sql.cpp for what they mean.
struct SqlSettings {
    // Throws std::invalid_argument with a sentence that names the option.
    explicit SqlSettings(const myq::Options& options);

    std::string connection, statement;
    std::vector<Field> parameters;
    std::chrono::milliseconds timeout;
    std::size_t batch;
};
