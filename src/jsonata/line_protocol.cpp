#include "jsonata/line_protocol.hpp"

#include <vector>

#include "jsonata/expression.hpp"
#include "jsonata/failure.hpp"
#include "jsonata/json_printer.hpp"
#include "jsonata/json_reader.hpp"

namespace millrace::jsonata {
namespace {

std::string text_of(Value value) {
  std::string text;
  print_json(text, value);
  return text;
}

std::string error(std::string answer, const Fault& fault, std::string_view phase) {
  std::string_view fields = fault.details_json;
  fields.remove_suffix(1);
  return answer.append("\"error\":").append(fields).append(",\"phase\":\"").append(phase).append("\"}}");
}

std::string answer(Arena& arena, Object& request) {
  auto field = [&](std::string_view name) { return request.find(arena, Key::of(name)); };
  std::string answer = "{\"id\":";
  const Value* id = field("id");
  answer.append(id == nullptr ? "null" : text_of(*id)).append(",");
  const Value* source = field("expr");
  if (source == nullptr || !source->is_string())
    return answer + "\"error\":{\"code\":\"U1101\",\"message\":\"no expr\"}}";
  auto expression = Expression::compile(source->string());
  if (!expression) return error(std::move(answer), expression.error(), "compile");
  std::vector<std::string> texts;
  std::vector<Binding> bindings;
  if (const Value* bound = field("bindings"); bound != nullptr && bound->is_object()) {
    texts.reserve(bound->object->size);
    for (const Member& member : *bound->object) {
      texts.push_back(text_of(member.value));
      bindings.push_back({member.key.view(), texts.back()});
    }
  }
  Limits limits;
  if (const Value* time = field("timelimit"); time != nullptr && time->is_number())
    limits.time_max = std::chrono::milliseconds(static_cast<std::int64_t>(time->number));
  if (const Value* depth = field("depth"); depth != nullptr && depth->is_number())
    limits.depth_max = static_cast<std::size_t>(depth->number);
  std::string input;
  const Value* data = field("data");
  if (data != nullptr) input = text_of(*data);
  auto outcome =
      expression->run(data == nullptr ? std::nullopt : std::optional<std::string_view>(input), bindings, limits);
  if (!outcome) return error(std::move(answer), outcome.error(), "eval");
  switch (outcome->kind) {
    case Outcome::Kind::undefined:
      return answer + "\"undefined\":true}";
    case Outcome::Kind::function:
      return answer + "\"result\":null,\"function\":true}";
    case Outcome::Kind::value:
      break;
  }
  return answer.append("\"result\":").append(outcome->json).append("}");
}

}  // namespace

std::string answer_line(std::string_view request) {
  Arena arena(1u << 30);
  try {
    Value value = read_json(arena, request);
    if (value.is_object()) return answer(arena, *value.object);
    return "{\"id\":null,\"error\":{\"code\":\"U1101\",\"message\":\"a request is a JSON object\"}}";
  } catch (const Failure& failure) {
    return "{\"id\":null,\"error\":" + fault_json(failure) + "}";
  }
}

}  // namespace millrace::jsonata
