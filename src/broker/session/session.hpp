#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "amqp/frame.hpp"
#include "broker/session/connection_status.hpp"
#include "broker/session/context.hpp"
#include "broker/virtual_hosts.hpp"

namespace millrace::broker {

/// What a session asks of the socket it stands on.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  /// Output has come about outside of input(): take it soon.
  virtual void output_waiting() = 0;
  /// input_paused() is false again: read on.
  virtual void input_resumed() = 0;
  /// The session is over: write what output there is and close the socket.
  virtual void over() = 0;
};

/// One client connection's protocol state (AMQP 0-9-1 §2.2.4): bytes in, calls into the broker, bytes out. No sockets;
/// time only through the loop. Every violation is answered with the specification's reply code; none stops the broker.
/// Thread: the broker's loop. Lifetime: loop, broker, users and host outlive it; destroying it before over() means the
/// client is lost.
class Session final : private UserConnection {
 public:
  Session(io::Loop& loop, VirtualHosts hosts, Users& users, SessionHost& host, SessionSettings settings = {});
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Takes bytes from the client. While input_paused() what it cannot use is kept: feed no more until it is resumed.
  void input(std::string_view bytes);
  bool input_paused() const { return context_->input_paused(); }
  /// The client does not wait for each answer: publishes are under way, or it holds many deliveries.
  bool is_pipelining() const;
  /// What to send; the caller takes it out (swap) and says written() once the socket has it.
  std::string& output();
  void written();
  /// Tells the client why and ends in order (the broker stops); who has not answered a second later is cut off.
  void shut_down(const std::string& reason);
  bool is_over() const { return stage_ == Stage::over; }

  ConnectionStatus status() const;
  const Traffic& traffic() const { return context_->traffic; }

 private:
  enum class Stage { greeting, login, tuning, opening, open, closing, over };

  void fence() override;
  void take_frames();
  void frame(const amqp::Frame& frame);
  void connection_method(amqp::MethodId id, amqp::Reader& in);
  void channel_frame(const amqp::Frame& frame);
  void channel_method(std::uint16_t number, amqp::MethodId id, amqp::Reader& in);
  /// True if the method has to wait; take_held() does it later.
  bool hold(std::uint16_t number, amqp::MethodId id, std::string_view arguments);
  void take_held();
  void open_channel(std::uint16_t number);

  // session_login.cpp
  void greet();
  Answer<Done> log_in(const amqp::connection::StartOk& method);
  Answer<Done> tune(const amqp::connection::TuneOk& method);
  Answer<Done> open(const amqp::connection::Open& method);
  Answer<Done> step(amqp::MethodId id, amqp::Reader& in);

  void fail(const Refusal& refusal);
  void begin_closing();
  /// Answers connection.close once all that was published is in its queues and no channel waits for the disk.
  void close_if_settled();
  void leave(SessionEnd how);
  void beat();

  io::Loop& loop_;
  Users& users_;
  SessionHost& host_;
  const VirtualHosts hosts_;
  std::shared_ptr<Context> context_;
  std::map<std::uint16_t, std::shared_ptr<Channel>> channels_;
  struct Held {
    std::uint16_t channel;
    amqp::MethodId id;
    std::string arguments;
  };
  std::optional<Held> held_;
  amqp::FrameReader reader_;
  Stage stage_ = Stage::greeting;
  amqp::MethodId at_work_{};  // the method being handled, for connection.close
  std::uint16_t channel_max_ = 0;
  std::uint16_t heartbeat_ = 0;  // seconds
  io::TimerId timer_ = 0;
  int quiet_beats_ = 0;  // halves of the heartbeat interval without input
  bool wrote_since_beat_ = false;
  bool began_ = false;          // the broker knows the session
  bool client_closes_ = false;  // connection.close came and is to be answered
  bool tells_login_failure_ = false;
  bool in_input_ = false;
  bool waits_for_reader_ = false;  // input is paused because the client does not read its answers
  bool unreadable_ = false;        // a frame was malformed: nothing after it can be understood
  std::string client_name_;
};

}  // namespace millrace::broker
