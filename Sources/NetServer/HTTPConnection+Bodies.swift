import NIOCore

extension HTTPConnection {
    // MARK: A whole body

    /// The client may send the body.
    func goOn() {
        guard owesContinue else { return }
        owesContinue = false
        write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
    }

    func append(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard count <= settings.bodyBytes - body.count else { return refuseBody() }
        guard count <= settings.loopBodyBytes - service.bodyBytes else {
            return refuseBody(
                Refusal(503, "too many large requests at the moment; try again later")
            )
        }
        owesContinue = false
        rest?.length? -= count
        service.bodyBytes += count
        heldBytes += count
        body.append(bytes)
        hasGrown = true
    }

    /// The next piece is due in time, and all of them must not come too slowly.
    func expectMore() {
        hasGrown = false
        guard settings.bodyRate > 0, let now = context?.eventLoop.now else {
            return deadline.set(in: settings.bodyIdle)
        }
        let earned = Int64(body.count) * 1_000_000_000 / Int64(settings.bodyRate)
        let begin = bodyBegin ?? now
        bodyBegin = begin
        let whole = begin + settings.bodyIdle + .nanoseconds(earned)
        deadline.set(in: min(settings.bodyIdle, whole - now))
    }

    /// The request is answered, or nobody will be: its body makes room for others.
    func releaseBody() {
        service.bodyBytes -= heldBytes
        heldBytes = 0
    }

    func refuseBody() {
        refuseBody(Refusal(413, "a body may have at most \(settings.bodyBytes) bytes"))
    }

    private func refuseBody(_ refusal: Refusal) {
        if phase == .answering { breakOff(refusal) } else { refuse(refusal) }
    }

    // MARK: A body on request

    func pauseBody() {
        rest?.isWanted = false
        deadline.clear()
        watchReply()
    }

    func resumeBody() {
        guard phase == .answering, rest?.isWanted == false else { return }
        rest?.isWanted = true
        if isCollecting {
            // The time until now was not the client's: nothing was read.
            bodyBegin = nil
            hasGrown = true
        } else {
            deadline.set(in: settings.bodyIdle)
        }
        goOn()
        pump()
        if !isReading { flush() }
        resumeReads()
    }

    func pass(_ bytes: ByteBuffer) {
        rest?.length? -= bytes.readableBytes
        deadline.set(in: settings.bodyIdle)
        exchange?.receive(.bytes(bytes))
    }

    func discard(_ count: Int) {
        guard phase == .discarding else { return }
        rest?.dropped += count
        deadline.set(in: settings.bodyIdle)
        if let rest, rest.dropped > settings.bodyBytes { closeGently() }
    }

    func endRest() {
        switch phase {
        case .answering:
            rest = nil
            deadline.clear()
            watchReply()
            guard isCollecting else {
                exchange?.receive(.end)
                return
            }
            exchange?.receive(wholeBody: body.take())
        case .discarding:
            rest = nil
            if isDraining { closeGently() } else { waitForRequest() }
        case .waiting, .receiving, .closing: break
        }
    }

    // MARK: Behind the last reply

    /// Our side is shut. The client has a moment to end its own, and another one for each piece
    /// that it still sends, for ``HTTPSettings/lingering`` in all: a browser reads no reply before
    /// it has sent all of its request.
    func linger() {
        guard let context, context.channel.isActive else { return }
        lingersUntil = context.eventLoop.now + settings.lingering
        deadline.set(in: .seconds(2))
    }

    /// What comes is dropped, or the peer would lose the reply. Of a stream, a body's worth: it can
    /// end by itself. Of a connection one read in 5 ms: who sends without end must not have all of
    /// the event loop.
    func drop(_ count: Int) {
        if isStream {
            droppedBytes += count
            let isEnough = droppedBytes > settings.bodyBytes
            if isEnough, droppedBytes - count <= settings.bodyBytes { leave() }
            return
        }
        guard let context else { return }
        if let lingersUntil {
            deadline.set(in: min(.seconds(2), lingersUntil - context.eventLoop.now))
        }
        guard !isPaced else { return }
        isPaced = true
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(5)) { [weak self] in
            self?.isPaced = false
            self?.resumeReads()
        }
    }

    /// Waits for the client no longer.
    func leave() {
        guard hasLeft else {
            context?.close(promise: nil)
            return
        }
        context?.triggerUserOutboundEvent(RequestUnneeded(), promise: nil)
    }
}
