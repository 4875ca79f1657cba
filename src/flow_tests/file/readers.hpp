#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flow/reading.hpp"
#include "flow_tests/file/test_file.hpp"

/// The parts of the test file's reader, from small to large. Each reports what is wrong to the Reading; nullopt then.
namespace millrace::flow_tests {

using Names = std::vector<std::string>;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// What some mappings may hold; a test holds the JSON Schema against them.
const Names& answer_fields(Stub::Kind kind);
const Names& request_fields();
const Names& step_message_fields();
const Names& step_fields();

/// Text of a scalar, variables replaced; numbers as they are written.
std::optional<std::string> read_text(flow::Reading& reading, const flow::Node& node, const std::string& path);
std::optional<bool> read_flag(flow::Reading& reading, const flow::Node& node, const std::string& path);
std::optional<std::chrono::milliseconds> read_span(flow::Reading& reading, const flow::Node& node,
                                                   const std::string& path);
/// Names in lower case and texts, in the file's order.
std::optional<Headers> read_headers(flow::Reading& reading, const flow::Node& node, const std::string& path);
std::optional<Condition> read_condition(flow::Reading& reading, const flow::Node& node, const std::string& path);

/// Whether it is a mapping; reports it otherwise.
bool is_mapping(flow::Reading& reading, const flow::Node& node, const std::string& path, std::string_view of_what);

/// The parts and `that` of a mapping whose other fields are `others`.
std::optional<Expected> read_expected(flow::Reading& reading, const flow::NodePtr& node, const std::string& path,
                                      const Parts& parts, const Names& others = {});
std::optional<ExpectedList> read_list(flow::Reading& reading, const flow::NodePtr& node, const std::string& path,
                                      const Parts& parts);

/// Whether a mapping of `stubs` stands in for a step: it has `output`.
bool is_stand_in(const flow::Node& node);
std::optional<StandIn> read_stand_in(flow::Reading& reading, const flow::Node& node, const std::string& path);
std::optional<Stub> read_stub(flow::Reading& reading, const flow::NodePtr& node, const std::string& path);
std::optional<Given> read_given(flow::Reading& reading, const flow::NodePtr& node, const std::string& path);
Expectations read_expectations(flow::Reading& reading, const flow::NodePtr& node, const std::string& path);

}  // namespace millrace::flow_tests
