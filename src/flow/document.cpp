#include "flow/document.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include <boost/json/stream_parser.hpp>
#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "flow/scalar.hpp"

namespace millrace::flow {
namespace {

/// Thrown out of the YAML library's callbacks and caught where it is called.
struct Refused {
  std::size_t offset;
  std::string message;
  std::string mend;
};

std::size_t offset_of(const Source& source, const YAML::Mark& mark) {
  if (mark.line < 0 || mark.column < 0) return 0;
  return source.line_start(static_cast<std::size_t>(mark.line) + 1) + static_cast<std::size_t>(mark.column);
}

class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const Source& source) : source_(source) {}

  NodePtr take() { return std::exchange(root_, nullptr); }

  /// The library reads an empty document again and again before a stray `,` or `]`.
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos == document_begin_) {
      throw Refused{offset(mark), "not readable as YAML: nothing can begin with this",
                    "remove it, or put it in quotes"};
    }
    document_begin_ = mark.pos;
    anchors_.clear();
    open_.clear();
    root_ = nullptr;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = std::make_shared<Node>();
    node->offset = offset(mark);
    add(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = std::make_shared<Node>();
    node->offset = offset(mark);
    node->text = value;
    node->plain = tag == "?";
    node->weight = 1 + value.size() / 64;
    if (tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:str") refuse_tag(node->offset);
    node->kind = node->plain ? kind_of_plain(value) : Node::Kind::text;
    refuse_open_quote(*node);
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Refused{offset(mark), "an alias stands inside the value that it names", "write the value out"};
    }
    add(found->second, YAML::NullAnchor, offset(mark));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::mapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor;
    bool has_key = false;
  };

  std::size_t offset(const YAML::Mark& mark) const { return offset_of(source_, mark); }

  [[noreturn]] static void refuse_tag(std::size_t at) {
    throw Refused{at, "YAML tags (!name) have no meaning here", "remove the tag; quotes make a value text"};
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(offset(mark));
    if (open_.size() >= nesting_max) refuse_depth(offset(mark));
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->offset = offset(mark);
    open_.push_back(Open{std::move(node), anchor});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  /// The library takes the end of the file for a closing quote.
  void refuse_open_quote(const Node& node) const {
    if (node.plain || is_quote_closed(source_.text(), content_offset(source_, node))) return;
    throw Refused{node.offset, "the text that begins here has no closing quote", "close it where the text ends"};
  }

  /// An empty value has no place of its own: the library gives it that of whatever follows.
  static NodePtr null_of(const Node::Entry& entry) {
    auto node = std::make_shared<Node>();
    node->offset = entry.key_offset;
    return node;
  }

  [[noreturn]] static void refuse_depth(std::size_t at) {
    throw Refused{at, fmt::format("values stand inside each other more than {} levels deep", nesting_max),
                  "make it flatter"};
  }

  void add(NodePtr node, YAML::anchor_t anchor, std::size_t at = std::string::npos) {
    const std::size_t place = at == std::string::npos ? node->offset : at;
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    if (open_.size() + node->height > nesting_max + 1) refuse_depth(place);
    Open& parent = open_.back();
    parent.node->height = std::max(parent.node->height, node->height + 1);
    parent.node->weight += node->weight;
    if (parent.node->weight > values_max) {
      throw Refused{place, fmt::format("more than {} values, aliases written out", values_max), "use fewer aliases"};
    }
    if (parent.node->kind == Node::Kind::list) {
      parent.node->items.push_back(std::move(node));
    } else if (parent.has_key) {
      if (node->kind == Node::Kind::null) node = null_of(parent.node->entries.back());
      parent.node->entries.back().value = std::move(node);
      parent.has_key = false;
    } else {
      if (node->kind == Node::Kind::list || node->kind == Node::Kind::mapping) {
        throw Refused{place, fmt::format("a name is expected here, but this is {}", describe(*node)),
                      "put quotes around a value that begins with { or ["};
      }
      parent.node->entries.push_back(Node::Entry{node->text, place, nullptr});
      parent.has_key = true;
    }
  }

  const Source& source_;
  std::map<YAML::anchor_t, NodePtr> anchors_;
  std::vector<Open> open_;
  NodePtr root_;
  int document_begin_ = -1;
};

Problem problem_at(const Source& source, std::size_t offset, std::string message, std::string mend) {
  return Problem{source.position(offset), "", std::move(message), std::move(mend)};
}

/// Where JSON ends to be JSON; the YAML library notices only later, and speaks of maps. Nullopt: it is JSON after all.
std::optional<std::size_t> json_fault(std::string_view text) {
  boost::json::stream_parser parser;
  boost::system::error_code failed;
  const auto taken = parser.write_some(text.data(), text.size(), failed);
  if (!failed) parser.finish(failed);
  if (!failed) return std::nullopt;
  return std::min(taken, text.find_last_not_of(" \t\r\n") + 1);
}

std::optional<std::size_t> indenting_tab(const Source& source, const YAML::Mark& mark) {
  const auto begin = source.line_start(static_cast<std::size_t>(std::max(mark.line, 0)) + 1);
  const auto at = source.text().find_first_not_of(' ', begin);
  if (at == std::string_view::npos || source.text()[at] != '\t') return std::nullopt;
  return at;
}

Problem broken(const Source& source, const YAML::Exception& e) {
  if (source.file().ends_with(".json")) {
    if (const auto at = json_fault(source.text())) {
      return problem_at(source, *at, "not readable as JSON from here on",
                        "look at the commas, colons, quotes and brackets here and just before");
    }
  }
  if (const auto tab = indenting_tab(source, e.mark)) {
    return problem_at(source, *tab, "not readable as YAML: indented with a tab", "indent with spaces");
  }
  return problem_at(source, offset_of(source, e.mark), "not readable as YAML: " + e.msg,
                    "look at the indentation, colons, quotes and brackets here and in the line above");
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return entry.value.get();
  }
  return nullptr;
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "empty";
    case Node::Kind::boolean:
      return "the boolean " + node.text;
    case Node::Kind::integer:
    case Node::Kind::number:
      return "the number " + node.text;
    case Node::Kind::text:
      return "text";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::mapping:
      return "a mapping";
  }
  return "unknown";
}

Result<std::vector<NodePtr>, Problem> parse_documents(const Source& source) {
  if (source.text().size() > file_size_max) {
    return problem_at(source, 0, fmt::format("the file has more than the {} bytes allowed", file_size_max),
                      "split the flows over several files");
  }
  const std::size_t bad = first_unreadable(source.text());
  if (bad != std::string_view::npos) {
    return problem_at(source, bad, "not text: a control character or malformed UTF-8", "save the file as UTF-8");
  }
  std::vector<NodePtr> documents;
  try {
    std::istringstream stream(readable_by_yaml(source.text()));
    YAML::Parser parser(stream);
    Builder builder(source);
    while (parser.HandleNextDocument(builder)) {
      NodePtr root = builder.take();
      if (root && root->kind != Node::Kind::null) documents.push_back(std::move(root));
    }
  } catch (const Refused& refused) {
    return problem_at(source, refused.offset, refused.message, refused.mend);
  } catch (const YAML::Exception& e) {
    return broken(source, e);
  }
  return documents;
}

}  // namespace millrace::flow
