#include "hosting/lines/lines_action.hpp"

#include <algorithm>
#include <deque>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/json_text.hpp"
#include "component/program_login.hpp"
#include "core/log.hpp"
#include "hosting/child.hpp"
#include "hosting/lines/answer.hpp"
#include "hosting/message_watch.hpp"
#include "hosting/new_keys.hpp"
#include "hosting/page.hpp"

namespace millrace::hosting::lines {
namespace {

namespace json_text = component::json_text;
using component::Finish;
using component::Outcome;
using component::Work;

constexpr std::size_t line_max = 32u << 20;
constexpr std::size_t shown_max = 200;  // of a line that cannot be read

/// What stands in each line alike.
std::string rest_of_line(const component::StepSettings& settings, const std::optional<StepLogin>& login) {
  auto text = fmt::format(R"(,"function":{},"config":{})", json_text::quoted(settings.program->function),
                          boost::json::serialize(settings.config));
  if (!login) return text;
  const auto told = component::login_for_lines(settings.credential, settings.program->token_field, login->login);
  return text + R"(,"credential":)" + boost::json::serialize(told);
}

class LinesAction final : public component::Action {
 public:
  LinesAction(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
              const component::StepSettings& settings, const std::optional<StepLogin>& login,
              std::function<void(Error)> lost)
      : loop_(loop),
        environment_(environment),
        credential_(login ? &login->source : nullptr),
        words_(log::Level::info),
        errors_(log::Level::warning),
        lost_(std::move(lost)),
        concurrency_(concurrency_of(settings)),
        snapshot_(settings.snapshot.empty() ? "{}" : settings.snapshot),
        rest_of_line_(rest_of_line(settings, login)) {
    if (!login) return;
    words_.hide(login->login);
    errors_.hide(login->login);
  }

  ~LinesAction() override { *alive_ = false; }

  Status start(const component::StepSettings& settings) {
    const auto& command = settings.program->command;
    if (command.empty()) return Error{Error::Kind::invalid, "the component does not say what is to be started"};
    const auto silence_max = MessageWatch::silence_max(*settings.program);
    if (!silence_max) return silence_max.error();
    watch_.emplace(loop_, *silence_max, [this](std::string why) { lose(std::move(why)); });
    auto environment = inherited_variables();
    for (const auto& variable : settings.program->environment) environment.push_back(variable);
    io::posix::ProcessHandlers handlers;
    handlers.output = [this](std::string_view piece) { errors_.take(piece); };
    handlers.answer = [this](std::string_view piece) { take(piece); };
    handlers.ended = [this](io::posix::ProcessEnd end) { lose("the component " + errors_.words(end)); };
    auto process = start_program(loop_, *settings.program, command, std::move(environment), true, std::move(handlers));
    if (!process) return process.error();
    process_ = std::move(*process);
    return Done{};
  }

  std::size_t concurrency() const override { return concurrency_; }

  void process(Work work, Finish finish) override {
    if (auto* paging = find(work.message_id); paging != nullptr && paging->paging) {
      paging->finish = std::move(finish);
      paging->paging = false;
      process_->hold_answers(false);
      return go_on(*paging);
    }
    process_->write(line_for(work));
    in_hand_.push_back({std::move(work), std::move(finish)});
    if (in_hand_.size() == 1) watch_->heard(in_hand_.front().work.message_id);
  }

 private:
  struct InHand {
    Work work;
    Finish finish;
    std::vector<component::Emission> emissions = {};
    std::optional<std::string> snapshot = {};
    std::uint64_t size = 0;
    bool paging = false;                             ///< a part of it takes effect just now
    int keys_under_way = 0;                          ///< fields of its credential that the platform is to keep
    std::optional<Outcome> unkept = {};              ///< what it comes to as those were not kept
    std::optional<Outcome> last = {};                ///< came meanwhile
    std::optional<component::Failure> refused = {};  ///< one of its lines cannot be taken: what it ends in
  };

  std::string line_for(const Work& work) const {
    std::string line = R"({"id":)" + json_text::quoted(work.message_id) + R"(,"execution":)" +
                       json_text::quoted(work.execution_id) + R"(,"attempt":)" + std::to_string(work.attempt);
    line += work.reply_to.empty() ? "" : R"(,"caller_waits":true)";
    if (work.trace) line += R"(,"traceparent":)" + json_text::quoted(work.trace.traceparent());
    if (!work.trace.state.empty()) line += R"(,"tracestate":)" + json_text::quoted(work.trace.state);
    line += rest_of_line_ + R"(,"snapshot":)" + snapshot_ + R"(,"message":)" + work.message.envelope() + "}";
    // JSON may hold line breaks between its parts, never inside of them.
    std::replace(line.begin(), line.end(), '\n', ' ');
    std::replace(line.begin(), line.end(), '\r', ' ');
    return line + "\n";
  }

  void take(std::string_view piece) {
    while (!piece.empty() && lost_) {
      const auto end = piece.find('\n');
      if (!skipping_) kept_ += piece.substr(0, end);
      if (kept_.size() > line_max) {
        skipping_ = true;
        refuse(std::exchange(kept_, {}));
      }
      if (end == std::string_view::npos) return;
      piece.remove_prefix(end + 1);
      if (std::exchange(skipping_, false)) continue;
      const auto line = std::exchange(kept_, {});
      if (!json_text::trimmed(line).empty()) answered(line);
    }
  }

  /// The begin of a line that is too long: the rest is skipped, and the message that it is about becomes a dead letter
  /// once the component has said its last word on it.
  void refuse(const std::string& begin) {
    std::string id;
    (void)json_text::members(begin, [&](std::string_view name, std::string_view value) {
      if (name == "id") id = json_text::as_text(value);
    });
    const auto why = fmt::format(
        "the component wrote a line of more than {} bytes, which is the limit (let it emit several messages)",
        line_max);
    auto* item = !id.empty() ? find(id) : in_hand_.empty() ? nullptr : &in_hand_.front();
    if (item == nullptr || begin.front() != '{') return errors_.line(why + ": " + begin.substr(0, shown_max));
    item->refused = component::Failure{"component.too_large", why};
  }

  /// What is no JSON object was meant for people: a print() that was left in.
  void answered(const std::string& line) {
    if (json_text::trimmed(line).front() != '{') return words_.line(line);
    auto answer = Answer::read(line);
    if (!answer) {
      return lose(fmt::format("the component wrote a line that cannot be read: {}: {}", answer.error().message,
                              line.substr(0, shown_max)));
    }
    if (answer->log) return (answer->warns ? errors_ : words_).line(*answer->log);
    auto* item = answer->id ? find(*answer->id) : in_hand_.empty() ? nullptr : &in_hand_.front();
    if (item == nullptr) {
      return lose(fmt::format("the component wrote about a message that it does not have in hand: {}",
                              line.substr(0, shown_max)));
    }
    add(*item, *answer);
  }

  void add(InHand& item, Answer& answer) {
    if (answer.snapshot && !item.refused) item.snapshot = snapshot_ = *answer.snapshot;
    if (answer.credential) keep(item, *answer.credential);
    if (answer.data) emit(item, std::move(*answer.data));
    if (answer.reply && !item.work.reply_to.empty()) {
      emit(item, {.body = std::move(*answer.reply), .routing_key = item.work.reply_to});
    }
    // It usually works on them one after another, so the first speaks for all.
    if (!answer.is_last()) return watch_->heard(in_hand_.front().work.message_id);
    Outcome outcome;
    if (answer.error) outcome = Outcome::dead(std::move(*answer.error));
    if (answer.rebound) outcome = Outcome::later({"component.rebound", *answer.rebound}, answer.retry_after);
    item.last = std::move(outcome);
    go_on(item);
  }

  /// Ends it if it has had its last word and nothing is under way for it.
  void go_on(InHand& item) {
    if (!item.last || item.paging || item.keys_under_way > 0) return;
    end(item, std::move(item.unkept ? *item.unkept : *item.last));
  }

  /// The message is done with only when the platform has what the component has got anew.
  void keep(InHand& item, const std::string& keys) {
    const auto kept = [this, alive = alive_, id = item.work.message_id](const KeysAnswer& answer) {
      auto* about = *alive ? find(id) : nullptr;
      if (about == nullptr) return;
      --about->keys_under_way;
      if (answer.status != 200) about->unkept = outcome_of(answer);
      go_on(*about);
    };
    ++item.keys_under_way;
    if (credential_ == nullptr) return kept({404, "this step names no credential: give it one (credential: NAME)"});
    keep_keys(loop_, environment_, *credential_, keys, kept);
  }

  static Outcome outcome_of(const KeysAnswer& unkept) {
    const component::Failure failure{"credential.unkept", "the credential keeps its old fields: " + unkept.why};
    return unkept.status >= 500 ? Outcome::later(failure) : Outcome::dead(failure);
  }

  void emit(InHand& item, component::Emission emission) {
    item.size += emission.body.size();
    item.emissions.push_back(std::move(emission));
    if (!fills_page(item.size, item.emissions.size())) return;
    if (item.paging) return process_->hold_answers(true);  // until there is room for more
    auto page = Outcome::done(std::exchange(item.emissions, {}));
    page.snapshot = std::exchange(item.snapshot, std::nullopt);
    page.more = true;
    item.size = 0;
    item.paging = true;
    const auto finish = item.finish;
    finish(std::move(page));
  }

  void end(InHand& item, Outcome outcome) {
    if (item.refused) outcome = Outcome::dead(std::move(*item.refused));
    outcome.emissions = std::move(item.emissions);
    outcome.snapshot = std::move(item.snapshot);
    const auto finish = std::move(item.finish);
    watch_->over(in_hand_.front().work.message_id);
    in_hand_.erase(std::find_if(in_hand_.begin(), in_hand_.end(), [&](const InHand& it) { return &it == &item; }));
    if (!in_hand_.empty()) watch_->heard(in_hand_.front().work.message_id);
    finish(std::move(outcome));
  }

  InHand* find(std::string_view id) {
    const auto found =
        std::find_if(in_hand_.begin(), in_hand_.end(), [&](const InHand& it) { return it.work.message_id == id; });
    return found == in_hand_.end() ? nullptr : &*found;
  }

  void lose(std::string why) {
    if (lost_) std::exchange(lost_, nullptr)(Error{Error::Kind::io, std::move(why)});
  }

  io::posix::AsioLoop& loop_;
  const component::WorkerEnvironment& environment_;
  component::CredentialSource* credential_;  ///< null: the step names none
  OutputLines words_;                        ///< what it says on stdout to people
  OutputLines errors_;                       ///< and on stderr
  std::function<void(Error)> lost_;
  const std::size_t concurrency_;
  std::string snapshot_;
  const std::string rest_of_line_;
  std::optional<MessageWatch> watch_;
  std::unique_ptr<io::posix::Process> process_;
  std::deque<InHand> in_hand_;  ///< in the order they were given
  std::string kept_;            ///< the begin of a line
  bool skipping_ = false;       ///< until the end of a line that is too long
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::size_t concurrency_of(const component::StepSettings& settings) {
  return std::max<std::uint32_t>(1, settings.concurrency);
}

Result<std::unique_ptr<component::Action>> make_lines_action(io::posix::AsioLoop& loop,
                                                             const component::WorkerEnvironment& environment,
                                                             const component::StepSettings& settings,
                                                             std::optional<StepLogin> login,
                                                             std::function<void(Error)> lost) {
  auto action = std::make_unique<LinesAction>(loop, environment, settings, login, std::move(lost));
  if (auto started = action->start(settings); !started) return started.error();
  return std::unique_ptr<component::Action>(std::move(action));
}

}  // namespace millrace::hosting::lines
