#include "io/posix/text_mail.hpp"

#include <doctest/doctest.h>

using namespace millrace::io::posix;

TEST_CASE("a mail with one short ASCII text is a single part, its lines as they are") {
  CHECK(text_mail({"Subject: x"}, {"text/plain; charset=utf-8", "a\nb\r\n"}) ==
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 7bit\r\n\r\na\r\nb\r\n");
}

TEST_CASE("other text is quoted-printable: no line over 76, no space at an end") {
  const auto mail = text_mail({}, {"text/plain", "ü= \n" + std::string(200, 'x')});
  CHECK(mail.find("Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC=3D=20\r\nxxx") != std::string::npos);
  std::size_t longest = 0;
  for (std::size_t at = 0, end = 0; (end = mail.find("\r\n", at)) != std::string::npos; at = end + 2) {
    longest = std::max(longest, end - at);
  }
  CHECK(longest <= 76);
}
