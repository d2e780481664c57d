/// What the clients of a crash test were told, against which the engine's doings are held.
///
/// A delivery ends in one of three ways: its failure is recorded, its success is recorded, or a
/// crash cuts it off. Hence, if attempts never go back, a message is delivered at most as often as
/// the queue allows, plus once for each crash that came while it was out.
struct CrashLedger {
    /// How often a handler is called before a message is dead, without crashes.
    static let attempts = 4

    struct Message {
        /// Its handler always fails.
        let isDoomed: Bool
        /// The client has been told that it is kept.
        var hasReceipt = false
        var hasSucceeded = false
        var deliveries = 0
        var failures = 0
        /// Crashes while it was out, or its outcome maybe not yet recorded.
        var crashes = 0
        /// With the handler now.
        var isOut = false
        var succeededInThisLife = false

        /// The engine may have given it up.
        var mayBeDead: Bool { failures + crashes >= CrashLedger.attempts }
        var isSettled: Bool { hasSucceeded || mayBeDead }
    }

    struct Key {
        /// The last value known to be stored.
        var stored: Int?
        /// The value of the write under way, or cut off by the crash.
        var maybe: Int?
        var last = 0
    }

    private(set) var messages: [Int: Message] = [:]
    private(set) var keys = [Key](repeating: Key(), count: 16)
    /// Messages delivered in this life of the engine.
    private var touched: Set<Int> = []
    private(set) var redeliveries = 0

    // MARK: Messages

    mutating func newMessage(isDoomed: Bool) -> Int {
        let number = messages.count + 1
        messages[number] = Message(isDoomed: isDoomed)
        return number
    }

    mutating func receipt(for number: Int) {
        messages[number]?.hasReceipt = true
    }

    /// - Throws: `Failure` for a delivery that no engine may make.
    mutating func delivered(_ number: Int) throws -> Message {
        guard var message = messages[number] else {
            throw Failure("message \(number) was delivered and never sent")
        }
        guard !message.isOut else {
            throw Failure("message \(number) was delivered while it was out: \(message)")
        }
        guard !message.succeededInThisLife else {
            throw Failure("message \(number) was delivered again after its success: \(message)")
        }
        message.isOut = true
        message.deliveries += 1
        if message.deliveries > 1 { redeliveries += 1 }
        guard message.deliveries <= CrashLedger.attempts + message.crashes else {
            throw Failure("attempts went back; message \(number): \(message)")
        }
        messages[number] = message
        touched.insert(number)
        return message
    }

    mutating func failed(_ number: Int) {
        messages[number]?.isOut = false
        messages[number]?.failures += 1
    }

    mutating func succeeded(_ number: Int) {
        messages[number]?.isOut = false
        messages[number]?.hasSucceeded = true
        messages[number]?.succeededInThisLife = true
    }

    // MARK: State

    /// Begins a write of the key's next value, unless one is under way.
    mutating func newValue(of key: Int) -> Int? {
        guard keys[key].maybe == nil else { return nil }
        keys[key].last += 1
        keys[key].maybe = keys[key].last
        return keys[key].last
    }

    mutating func written(_ key: Int) {
        keys[key].stored = keys[key].maybe
        keys[key].maybe = nil
    }

    /// - Throws: `Failure` when the value is neither the last one acknowledged nor the one that a
    ///   crash cut off.
    mutating func found(_ value: Int?, of key: Int) throws {
        guard value == keys[key].stored || (value != nil && value == keys[key].maybe) else {
            throw Failure(
                "key \(key) holds \(value.map(String.init) ?? "nothing") after \(keys[key])"
            )
        }
        keys[key].stored = value
        keys[key].maybe = nil
    }

    // MARK: Lives

    /// The engine was killed, and all that it had sent has been read.
    mutating func crashed() {
        for number in touched {
            messages[number]?.crashes += 1
            messages[number]?.isOut = false
            messages[number]?.succeededInThisLife = false
        }
        touched.removeAll()
    }

    /// Receipts that are neither done nor possibly dead yet: they must still be delivered.
    var unsettled: Int {
        messages.values.count { $0.hasReceipt && !$0.isSettled }
    }

    /// - Throws: `Failure` when the dead letters are not those that they may and must be.
    func check(dead: Set<Int>) throws {
        for (number, message) in messages {
            if dead.contains(number), !message.mayBeDead {
                throw Failure("message \(number) died too early: \(message)")
            }
            if message.hasReceipt, !message.hasSucceeded, !dead.contains(number) {
                throw Failure("message \(number) is lost: \(message)")
            }
        }
    }
}
