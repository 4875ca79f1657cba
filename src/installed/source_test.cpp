#include "installed/source.hpp"

#include <doctest/doctest.h>

namespace millrace::installed {

TEST_CASE("a component is called what is special in the name of its package, folder or image") {
  CHECK(component_name("petstore-component-nodejs") == "petstore");
  CHECK(component_name("@elastic.io/salesforce-component") == "salesforce");
  CHECK(component_name("elasticio-sftp-component") == "sftp");
  CHECK(component_name("/src/My Component/") == "my");
  CHECK(component_name("acme/Shop_1:2.0") == "shop_1");
  CHECK(component_name("petstore@1.2.0") == "petstore");
  CHECK(component_name("component") == "component");
  CHECK(component_name("///").empty());
}

TEST_CASE("a source is a path, a package or an image, and nothing that a command would take for an option") {
  CHECK(Source::parse("npm:petstore@1.2.0")->kind == Source::Kind::npm);
  CHECK(Source::parse("image:acme/petstore:3")->what == "acme/petstore:3");
  CHECK(Source::parse("/src/pet store")->kind == Source::Kind::folder);
  CHECK(Source::parse("npm:petstore")->text() == "npm:petstore");
  for (const auto* text : {"", "npm:", "image:", "npm:--help", "relative/path", "npm:two words"}) {
    CAPTURE(text);
    CHECK(!Source::parse(text));
  }
}

}  // namespace millrace::installed
