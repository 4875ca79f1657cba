// curl's type-checking macros would stand in the way of members named like its functions.
#define CURL_DISABLE_TYPECHECK
#include "io/posix/curl_library.hpp"

#include <clocale>
#include <cstdlib>
#include <string>

#include <dlfcn.h>

namespace millrace::io::posix {
namespace {

Result<CurlLibrary> load_library() {
  // Debian's libcurl brings GnuTLS along (for RTMP), whose constructor would touch 1.5 MB that we never use: our TLS is
  // OpenSSL's. https://www.gnutls.org/manual/html_node/Core-TLS-API.html (gnutls_global_init)
  ::setenv("GNUTLS_NO_IMPLICIT_INIT", "1", 1);
  // libcurl reads host names beyond ASCII (IDN) in the locale's character set; ours are UTF-8.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  void* handle = ::dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) {
    return Error{Error::Kind::unsupported,
                 std::string("libcurl cannot be loaded: ") + ::dlerror() + " (install the package libcurl4)"};
  }
  CurlLibrary library;
#define MILLRACE_CURL_LOAD(name)                                                    \
  library.name = reinterpret_cast<decltype(library.name)>(::dlsym(handle, #name));  \
  if (library.name == nullptr) {                                                    \
    return Error{Error::Kind::unsupported, "libcurl is too old: it has no " #name}; \
  }
  MILLRACE_CURL_FUNCTIONS(MILLRACE_CURL_LOAD)
#undef MILLRACE_CURL_LOAD
  if (library.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return Error{Error::Kind::unsupported, "libcurl cannot be initialised"};
  }
  return library;
}

}  // namespace

Result<const CurlLibrary*> CurlLibrary::load() {
  static const Result<CurlLibrary> library = load_library();
  if (!library) return library.error();
  return &*library;
}

}  // namespace millrace::io::posix
