#pragma once

#include <memory>
#include <string>

#include "broker/session/session.hpp"
#include "line.hpp"

namespace millrace::simulation {

/// The broker's end of a line: what broker::Server does with a socket, with the real Session behind it. Lifetime: loop,
/// broker and users outlive it; destroying it is the broker's death.
class Door final : public broker::SessionHost, public Line::Peer {
 public:
  Door(io::sim::SimLoop& loop, broker::Broker& broker, broker::Users& users, std::shared_ptr<Line> line,
       const broker::SessionSettings& settings);
  ~Door() override;

  bool is_over() const { return session_ == nullptr; }
  void shut_down() {
    if (session_) session_->shut_down("the broker is shutting down");
  }
  /// A broken broker, which tests must catch: the next basic.ack from the client is overlooked.
  void overlook_an_ack();

 private:
  void received(std::string_view bytes) override;
  void lost() override;
  void output_waiting() override;
  void input_resumed() override;
  void over() override;
  void feed();
  void flush();
  void end();
  std::string without_acks(std::string_view bytes);

  io::sim::SimLoop& loop_;
  std::shared_ptr<Line> line_;
  std::unique_ptr<broker::Session> session_;
  std::string waiting_;  ///< what the session does not take yet
  bool flush_posted_ = false;
  bool overlooks_ = false;
  bool greeted_ = false;        ///< the protocol header went through; of overlook_an_ack()
  amqp::FrameReader overseen_;  ///< frames between line and session, likewise
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::simulation
