#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "component/credential.hpp"
#include "component/program.hpp"
#include "core/result.hpp"

namespace millrace::component {

/// One field of a step's `config:`. From these come validation, docs, `component show`, the JSON Schema and UI forms.
struct Field {
  enum class Type {
    text,
    integer,
    number,
    boolean,
    duration,    ///< "30s", "5m", "1h30m", or a number of seconds
    size,        ///< "10MB", "64KiB", or a number of bytes
    expression,  ///< JSONata source, compiled when the flow is validated
    secret,      ///< text that never appears in logs, errors or exports
    choice,      ///< one of `choices`
    object,      ///< a mapping; `fields` says of what, or free-form if empty
    text_map,    ///< a mapping of names to text, e.g. HTTP headers
    list,        ///< a list of text, each one of `choices` if there are any
    any,         ///< any JSON
  };

  std::string name;
  Type type = Type::text;
  std::string summary;  ///< one sentence
  bool required = false;
  std::string default_json = {};  ///< JSON text, or empty: none
  std::vector<std::string> choices = {};
  std::vector<Field> fields = {};
  std::optional<double> minimum = {};
  std::optional<double> maximum = {};
  /// Text and text maps: may hold `{{ expression }}`, JSONata over the message, compiled when the flow is validated.
  bool templated = false;
  /// Text and expressions that only the component itself reads: taken as they stand, without `${NAME}`; an expression
  /// may call functions that the component adds.
  bool verbatim = false;
};

struct Example {
  std::string title;
  std::string flow_yaml;  ///< the step as it stands in a flow file
};

/// What goes into a function of an installed component and comes out of it, as JSON schemas.
struct Metadata {
  boost::json::value in = nullptr;  ///< null: it does not say
  boost::json::value out = nullptr;
  bool dynamic = false;  ///< they depend on its config and have to be asked for
};

/// What a credential of an installed component holds (CredentialType::component), as its component.json says.
struct CredentialForm {
  /// How its OAuth 2.0 works; texts may hold `{{NAME}}`, of a field or a variable of the component's environment.
  struct OAuth2 {
    std::string authorization_url;  ///< empty: no person has to agree (RFC 6749 §4.4)
    std::string token_url;
    std::string client_id;  ///< empty: the credential says it; so with the next
    std::string client_secret;
    std::string scope;
    boost::json::object authorization_parameters;  ///< texts by name
  };

  std::vector<Field> fields;  ///< what a person gives
  std::optional<OAuth2> oauth2;
  std::string token_field;  ///< the member of `config` in which the component looks for its token; or empty

  const Field* find(std::string_view name) const;
  /// Sealed and never shown: passwords, and whatever has inner parts of its own.
  static bool is_secret(const Field& field);
};

/// What one trigger or action is: `http.request`.
struct Descriptor {
  enum class Kind {
    webhook_trigger,  ///< run by the gateway
    timer_trigger,    ///< run by the scheduler
    polling_trigger,  ///< a worker that the scheduler's ticks wake
    action,           ///< a worker
  };

  std::string component;  ///< "http"
  std::string name;       ///< "request"
  Kind kind = Kind::action;
  std::string title;
  std::string summary;  ///< what it does with one message, in a sentence or two
  std::vector<Field> fields;
  std::string emits;  ///< what its output body looks like, in words
  std::vector<Example> examples;
  std::vector<CredentialType> credential_types = {};  ///< what a step's `credential:` may be; empty: there is none
  /// Fields that say what a credential says, so that a step has them or a credential.
  std::vector<std::string> credential_replaces = {};
  /// Rules between fields, over a config with defaults filled in ("password is needed for auth: basic"); may be null.
  /// Config::read applies it.
  std::function<Status(const boost::json::object& config)> check = {};
  /// Of an installed component: the program whose function this is. Otherwise it is of this binary.
  std::optional<Program> program = {};
  /// Of an installed component: the image that its workers are containers of. Empty: they are as the step says.
  std::string image = {};
  std::optional<Metadata> metadata = {};               ///< of an installed component
  std::optional<CredentialForm> credential_form = {};  ///< of an installed component that takes credentials of its own

  std::string full_name() const { return component + "." + name; }
  bool is_trigger() const { return kind != Kind::action; }
  /// False: the platform itself is all that it takes.
  bool has_worker() const { return kind == Kind::polling_trigger || kind == Kind::action || program; }
};

}  // namespace millrace::component
