#include "flow/load.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "flow/read_flow.hpp"

namespace millrace::flow {
namespace {

void append(Problems& to, Problems more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void read_text(std::string_view text, const std::string& file, const component::Catalogue& catalogue,
               const Variables& variables, const Running& otherwise, std::vector<LoadedFlow>& flows,
               Problems& problems) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const Source source(file, std::string(text.substr(0, file_size_max + 1)));
  const auto documents = parse_documents(source);
  if (!documents) {
    problems.push_back(documents.error());
    return;
  }
  if (documents->empty()) {
    problems.push_back({Position{file}, "", "holds no flow", "write \"name:\" and \"steps:\""});
    return;
  }
  Reading reading(source, catalogue, variables, otherwise);
  for (const NodePtr& document : *documents) {
    auto loaded = read_flow(reading, document);
    if (!loaded) continue;
    loaded->flow.source = document_at(source.text(), document->offset);
    flows.push_back(std::move(*loaded));
  }
  append(problems, reading.take_problems());
}

/// At most one byte more than a flow file may have.
Result<std::string, Problem> read_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return Problem{Position{path}, "", "is a folder", "name the flow files in it"};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return Problem{Position{path}, "", fmt::format("cannot be read: {}", std::strerror(errno)), ""};
  std::string text(file_size_max + 4, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Problem{Position{path}, "", fmt::format("cannot be read: {}", std::strerror(errno)), ""};
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Result<std::vector<Flow>, Problems> finish(std::vector<LoadedFlow> loaded, Problems problems,
                                           const component::Catalogue& catalogue) {
  append(problems, check_across(loaded, catalogue));
  if (!problems.empty()) return problems;
  std::vector<Flow> flows;
  for (LoadedFlow& one : loaded) flows.push_back(std::move(one.flow));
  return flows;
}

}  // namespace

Result<std::vector<Flow>, Problems> load_files(const std::vector<std::string>& paths,
                                               const component::Catalogue& catalogue, const Variables& variables,
                                               const Running& otherwise) {
  std::vector<LoadedFlow> flows;
  Problems problems;
  for (const std::string& path : paths) {
    const auto text = read_file(path);
    if (text) {
      read_text(*text, path, catalogue, variables, otherwise, flows, problems);
    } else {
      problems.push_back(text.error());
    }
  }
  return finish(std::move(flows), std::move(problems), catalogue);
}

Result<std::vector<Flow>, Problems> load_text(std::string_view text, const std::string& file,
                                              const component::Catalogue& catalogue, const Variables& variables,
                                              const Running& otherwise) {
  std::vector<LoadedFlow> flows;
  Problems problems;
  read_text(text, file, catalogue, variables, otherwise, flows, problems);
  return finish(std::move(flows), std::move(problems), catalogue);
}

Result<std::vector<NamedText>, Problem> flows_in(std::string_view text, const std::string& file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const Source source(file, std::string(text.substr(0, file_size_max + 1)));
  const auto documents = parse_documents(source);
  if (!documents) return documents.error();
  std::vector<NamedText> flows;
  for (const NodePtr& document : *documents) {
    const Node* name = document->kind == Node::Kind::mapping ? document->find("name") : nullptr;
    if (name == nullptr || name->kind != Node::Kind::text) {
      return Problem{source.position(document->offset), "name", "missing", "add \"name\": what the flow is called"};
    }
    flows.push_back({name->text, document_at(source.text(), document->offset)});
  }
  if (flows.empty()) return Problem{Position{file}, "", "holds no flow", "write \"name:\" and \"steps:\""};
  return flows;
}

}  // namespace millrace::flow
