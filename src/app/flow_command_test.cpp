#include "app/flow_command.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

#include "components/catalogue.hpp"

namespace millrace::app {
namespace {

/// Flow files in a folder of their own that goes with the object.
class FlowFolder {
 public:
  FlowFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~FlowFolder() { std::filesystem::remove_all(folder_); }

  std::string add(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

 private:
  std::filesystem::path folder_;
};

std::string flow_called(const std::string& name, const std::string& path) {
  return "name: " + name + "\nsteps:\n  - id: form\n    trigger: webhook.receive\n    config: { path: " + path +
         " }\n  - { id: note, action: message.log, after: form }\n";
}

std::optional<std::string> no_variable(std::string_view) {
  return std::nullopt;
}

}  // namespace

TEST_CASE("good files are told flow by flow") {
  FlowFolder folder;
  const std::vector<std::string> files = {folder.add("a.yaml", flow_called("a", "x")),
                                          folder.add("b.yaml", flow_called("b", "y"))};
  std::ostringstream out, err;
  CHECK(validate_flows(files, components::make_catalogue(), no_variable, out, err) == 0);
  CHECK(out.str() == "ok a (2 steps)\nok b (2 steps)\n");
  CHECK(err.str().empty());
}

TEST_CASE("bad files are told problem by problem, those between files too, and nothing is ok") {
  FlowFolder folder;
  const std::string a = folder.add("a.yaml", flow_called("a", "x") + "    configg: {}\n");
  const std::string b = folder.add("b.yaml", flow_called("a", "/x"));
  const std::string c = folder.add("c.yaml", flow_called("c", "z").replace(0, 4, "nmae"));
  std::ostringstream out, err;
  CHECK(validate_flows({a, b, c}, components::make_catalogue(), no_variable, out, err) == 2);
  CHECK(out.str().empty());
  CHECK(err.str().find(a + ":7:5: not readable as YAML: ") == 0);
  CHECK(err.str().find(c + ":1:1: nmae: unknown field (did you mean \"name\"?)\n") != std::string::npos);
  std::ostringstream between;
  const std::string good = folder.add("a.yaml", flow_called("a", "x"));
  CHECK(validate_flows({good, b}, components::make_catalogue(), no_variable, out, between) == 2);
  CHECK(between.str() == b + ":1:7: name: \"a\" is already the name of the flow in " + good +
                             ":1 (give one of them another name)\n" + b +
                             ":5:21: config.path: POST /x is already the webhook of the flow \"a\" in " + good +
                             ":5 (choose another path or method)\n");
}

}  // namespace millrace::app
