#include "installed/fields.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "jsonata/expression.hpp"

namespace millrace::installed {
namespace {

namespace json = boost::json;
using component::Field;
using Type = Field::Type;

std::string text_of(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// Adds a sentence to others; one that is said already is not said again.
void say(std::string& all, std::string_view words) {
  auto sentence = without_tags(words);
  while (!sentence.empty() && (sentence.back() == ' ' || sentence.back() == '\n')) sentence.pop_back();
  if (sentence.empty() || all.find(sentence) != std::string::npos) return;
  if (!all.empty()) all += ' ';
  all += sentence;
  if (std::string_view(".!?:").find(all.back()) == std::string_view::npos) all += '.';
}

std::string summary_of(const json::object& from, const std::string& name) {
  std::string summary;
  say(summary, text_of(from, "label"));
  say(summary, text_of(from, "description"));
  if (const auto* help = from.if_contains("help"); help != nullptr) {
    if (help->is_object()) say(summary, text_of(help->get_object(), "description"));
    if (help->is_string()) say(summary, help->get_string());
  }
  say(summary, text_of(from, "note"));
  say(summary, text_of(from, "prompt"));
  if (const auto example = text_of(from, "placeholder"); !example.empty()) say(summary, "E.g. " + example);
  return summary.empty() ? name + "." : summary;
}

/// But for the case of letters.
bool is_same(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : +c; };
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

/// The keys of a model, and into the summary what they mean.
void take_choices(const json::value& model, Field& field) {
  if (model.is_array()) {
    for (const auto& choice : model.get_array()) {
      if (choice.is_string()) field.choices.emplace_back(choice.get_string());
    }
    return;
  }
  std::string meanings;
  for (const auto& [key, title] : model.get_object()) {
    field.choices.emplace_back(key);
    if (!title.is_string() || is_same(title.get_string(), key)) continue;
    meanings += fmt::format("{}{} is {}", meanings.empty() ? "" : ", ", std::string_view(key),
                            std::string_view(title.get_string()));
  }
  say(field.summary, meanings);
}

void set_select(const json::object& from, const std::string& function, Type one, Field& field) {
  field.type = one == Type::choice ? Type::text : one;
  const auto* model = from.if_contains("model");
  if (model == nullptr) return;
  if (model->is_string()) {
    if (!function.empty())
      say(field.summary, fmt::format("`millrace component select {} {}` lists what there is", function, field.name));
    return;
  }
  if (!model->is_object() && !model->is_array()) return;
  take_choices(*model, field);
  if (!field.choices.empty()) field.type = one;
}

/// A default in the form that its type has; empty where it does not fit.
std::string default_of(const json::value& value, const Field& field) {
  switch (field.type) {
    case Type::text:
      if (value.is_number() || value.is_bool())
        return json::serialize(json::value(json::string(json::serialize(value))));
      return value.is_string() ? json::serialize(value) : std::string();
    case Type::choice: {
      const auto text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
      const bool known = std::find(field.choices.begin(), field.choices.end(), text) != field.choices.end();
      return known ? json::serialize(json::value(json::string(text))) : std::string();
    }
    case Type::boolean:
      return value.is_bool() ? json::serialize(value) : std::string();
    case Type::list:
      return value.is_array() ? json::serialize(value) : std::string();
    case Type::expression:
      return value.is_string() && jsonata::Expression::compile(std::string_view(value.get_string()))
                 ? json::serialize(value)
                 : std::string();
    case Type::secret:
      return {};
    default:
      return json::serialize(value);
  }
}

void set_type(const json::object& from, const std::string& function, Field& field) {
  static const std::map<std::string_view, Type> types = {
      {"TextFieldView", Type::text},        {"TextFieldWithNoteView", Type::text}, {"TextAreaView", Type::text},
      {"TextAreaWithNoteView", Type::text}, {"CodeFieldView", Type::text},         {"CheckBoxView", Type::boolean},
      {"PasswordFieldView", Type::secret},  {"OAuthFieldView", Type::object},      {"JSONataView", Type::expression},
      {"SelectView", Type::choice},         {"MultiSelectView", Type::list}};
  const auto known = types.find(text_of(from, "viewClass"));
  field.type = known == types.end() ? Type::any : known->second;
  field.verbatim = field.type == Type::expression || text_of(from, "viewClass") == "CodeFieldView";
  if (field.type == Type::choice || field.type == Type::list) set_select(from, function, field.type, field);
}

Field field_of(const std::string& name, const json::object& from, const std::string& function) {
  Field field;
  field.name = name;
  field.summary = summary_of(from, name);
  set_type(from, function, field);
  if (const auto* given = from.if_contains("default"); given != nullptr && !given->is_null()) {
    field.default_json = default_of(*given, field);
  }
  const auto* required = from.if_contains("required");
  field.required = required != nullptr && required->is_bool() && required->get_bool() && field.default_json.empty();
  return field;
}

double order_of(const json::object& from) {
  boost::system::error_code failed;
  const auto* order = from.if_contains("order");
  return order == nullptr || !order->is_number() ? 0 : order->to_number<double>(failed);
}

}  // namespace

std::string without_tags(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto begin = text.find('<');
    const bool is_tag = begin != std::string_view::npos && begin + 1 < text.size() &&
                        (text[begin + 1] == '/' || (text[begin + 1] >= 'a' && text[begin + 1] <= 'z'));
    const auto end = is_tag ? text.find('>', begin) : std::string_view::npos;
    if (end == std::string_view::npos) {
      const auto next = begin == std::string_view::npos ? text.size() : begin + 1;
      out += text.substr(0, next);
      text.remove_prefix(next);
      continue;
    }
    out += text.substr(0, begin);
    const auto tag = text.substr(begin, end - begin + 1);
    if ((tag.starts_with("<br") || tag.starts_with("<div")) && !out.empty() && out.back() != ' ') out += ' ';
    text.remove_prefix(end + 1);
  }
  return out;
}

std::vector<Field> fields_of(const json::object& fields, const std::string& function) {
  std::vector<std::pair<double, Field>> ordered;
  for (const auto& [name, value] : fields) {
    const auto& from = value.get_object();
    ordered.emplace_back(order_of(from), field_of(std::string(name), from, function));
  }
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Field> all;
  for (auto& [order, field] : ordered) all.push_back(std::move(field));
  return all;
}

}  // namespace millrace::installed
