#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "core/result.hpp"

namespace millrace::installed {

/// What a component says of itself: its component.json, in elastic.io's published form, read and checked
/// (docs/components.md). What is not known there is kept and not looked at.
struct ComponentFile {
  struct Function {
    std::string name;  ///< its key: "getPets"
    bool is_trigger = false;
    bool polls = false;  ///< a trigger of type polling; the others are webhooks
    std::string title;
    std::string description;
    std::string main;                           ///< the file with its code, as it is written
    boost::json::object fields;                 ///< by name, as written: viewClass, label …
    boost::json::value metadata_in = nullptr;   ///< JSON schema; null: none is said
    boost::json::value metadata_out = nullptr;  ///< the same
    bool dynamic_metadata = false;              ///< its schemas depend on its config and have to be asked for
    bool deprecated = false;
  };
  struct Variable {
    std::string name;
    bool required = false;
    std::string description;
  };

  std::string title;
  std::string description;
  std::string version;
  std::vector<std::string> command;       ///< of a program that speaks JSON lines; empty: elastic.io's library runs it
  boost::json::object credential_fields;  ///< as `fields` of functions
  boost::json::object oauth2;             ///< `credentials.oauth2` as written; empty: there is none
  std::vector<std::string> auth_client_types;  ///< `authClientTypes`: noauth, basic, api_key, oauth2
  std::vector<Function> functions;             ///< triggers first, each in the order of the file
  std::vector<Variable> variables;             ///< of its environment
  boost::json::object document;                ///< the file itself
  std::vector<std::string> notes;              ///< what is odd and does no harm

  const Function* find(std::string_view name) const;
};

/// How much of what component.json names has to be there.
enum class Files {
  all,           ///< code and schemas
  schemas_only,  ///< the code is elsewhere (in an image), or is not built yet
};

/// Reads FOLDER/component.json. Errors say "component.json", the line or the path in it, and the mend.
Result<ComponentFile> read_component_file(const std::string& folder, Files files);

}  // namespace millrace::installed
