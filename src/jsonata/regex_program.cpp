#define PCRE2_CODE_UNIT_WIDTH 8
#include "jsonata/regex_program.hpp"

#include <vector>

#include <pcre2.h>

#include "jsonata/failure.hpp"
#include "jsonata/regex_pattern.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

constexpr std::uint32_t match_limit = 2'000'000;
constexpr std::uint32_t heap_limit_kib = 64u << 10;

/// Matching memory of one thread.
struct Workspace {
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_match_data* data = pcre2_match_data_create(64, nullptr);
  std::uint32_t pairs = 64;
  pcre2_jit_stack* jit_stack = pcre2_jit_stack_create(32 * 1024, 1024 * 1024, nullptr);
  std::vector<RegexProgram::Span> spans;

  Workspace() {
    pcre2_set_match_limit(context, match_limit);
    pcre2_set_heap_limit(context, heap_limit_kib);
    pcre2_jit_stack_assign(context, nullptr, jit_stack);
  }
  ~Workspace() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(jit_stack);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
};

Workspace& workspace() {
  thread_local Workspace of_thread;
  return of_thread;
}

}  // namespace

RegexProgram::RegexProgram(std::string_view pattern, std::string_view flags, std::int64_t position)
    : pattern_(pattern) {
  std::string translated;
  const bool multiline = flags.find('m') != std::string_view::npos;
  auto invalid = [&] { return Failure{.code = "S0303", .position = position, .value = Value::of(pattern)}; };
  if (!translate_pattern(pattern, multiline, translated)) throw invalid();
  std::uint32_t options =
      PCRE2_UTF | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_INVALID_UTF;
  if (flags.find('i') != std::string_view::npos) options |= PCRE2_CASELESS;
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  pcre2_set_parens_nest_limit(context, 200);
  code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(), options, &error, &offset,
                        context);
  pcre2_compile_context_free(context);
  if (code_ == nullptr) throw invalid();
  pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);
}

RegexProgram::~RegexProgram() {
  pcre2_code_free(code_);
}

bool RegexProgram::search(std::string_view subject, std::size_t start, Match& match) const {
  Workspace& w = workspace();
  std::uint32_t groups = 0;
  pcre2_pattern_info(code_, PCRE2_INFO_CAPTURECOUNT, &groups);
  if (groups + 1 > w.pairs) {
    pcre2_match_data_free(w.data);
    w.pairs = groups + 1;
    w.data = pcre2_match_data_create(w.pairs, nullptr);
  }
  int result =
      pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), start, 0, w.data, w.context);
  if (result == PCRE2_ERROR_NOMATCH) return false;
  if (result < 0) throw Failure{.code = "U1001", .value = Value::of(pattern_)};
  const PCRE2_SIZE* ovector = pcre2_get_ovector_pointer(w.data);
  w.spans.resize(groups + 1);
  for (std::size_t i = 0; i <= groups; ++i) {
    bool set = static_cast<int>(i) < result && ovector[2 * i] != PCRE2_UNSET;
    w.spans[i] = {set ? ovector[2 * i] : 0, set ? ovector[2 * i + 1] : 0, set};
  }
  match = {w.spans.data(), w.spans.size()};
  return true;
}

}  // namespace millrace::jsonata
