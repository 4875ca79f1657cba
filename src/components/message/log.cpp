#include "components/functions.hpp"
#include "components/mapped_action.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Emission;
using component::Field;
using component::Outcome;

namespace {

class Log final : public MappedAction {
 public:
  Log(const component::Config& config, component::StepExpression expression, component::Services& services)
      : MappedAction(config, std::move(expression), services),
        outside_(services.outside),
        stream_(config.text("to") == "stdout" ? component::Outside::Stream::out : component::Outside::Stream::err),
        label_(config.text("label")),
        step_(services.step) {}

 private:
  Outcome map(const component::Work& work, std::optional<std::string> result) override {
    std::string line = label_.empty() ? step_ : label_;
    line.append(" ").append(work.message_id).append(" ").append(result.value_or("undefined"));
    outside_.write(stream_, line, {work.execution_id, work.message_id});
    return Outcome::done({same_message(work.message)});
  }

  component::Outside& outside_;
  component::Outside::Stream stream_;
  std::string label_;
  std::string step_;
};

}  // namespace

component::Function message_log() {
  Descriptor it;
  it.component = "message";
  it.name = "log";
  it.title = "Log";
  it.summary = "Writes the message, or a part of it, to the worker's output as one line of JSON and passes it on.";
  it.fields = {{.name = "expression",
                .type = Field::Type::expression,
                .summary = "JSONata over the message: what to write.",
                .default_json = R"("body")"},
               {.name = "label", .summary = "First word of the line; the step's id if not given."},
               {.name = "to",
                .type = Field::Type::choice,
                .summary = "Where the line goes.",
                .default_json = R"("stdout")",
                .choices = {"stdout", "stderr"}}};
  it.emits = "The message as it came.";
  it.examples = {{"See what comes in", R"(- id: show
  action: message.log
  after: form
  config:
    expression: body.email
)"}};
  return {it, MappedAction::maker<Log>(it, "expression")};
}

}  // namespace millrace::components
