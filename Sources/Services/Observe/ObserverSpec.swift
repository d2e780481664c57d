package import JSON
package import Primitives

/// What a worker asked for with `observe` (protocol 12.2), checked as far as it can be without the
/// function that is to be observed.
package struct ObserverSpec: Equatable, Sendable {
    /// Which ends of an invocation are events.
    package enum Outcome: String, CaseIterable, Sendable {
        case success, error, complete

        package func accepts(success: Bool) -> Bool {
            switch self {
            case .success: success
            case .error: !success
            case .complete: true
            }
        }
    }

    /// What the target is called with.
    package enum Delivery: String, CaseIterable, Sendable { case envelope, input, output }

    /// Names in ``capture``: each event is held against them.
    private static let captureMax = 64
    package static let defaultCapture = ["input", "output", "caller"]

    package let source: FunctionName
    package let target: FunctionName
    /// An object, for the owner of the source.
    package let args: JSONText
    package let filter: Filter
    package let outcome: Outcome
    /// The parts of an event that travel. Names that nobody knows are kept, and capture nothing.
    package let capture: [String]
    package let delivery: Delivery
    /// For the target, beside every activation.
    package let metadata: JSONText?
    /// After so many activations it is over.
    package let firesMax: UInt64?
    /// After so many nanoseconds it is over.
    package let lifetime: UInt64?
    /// Activations that may run at once.
    package let concurrency: Int?
    /// What its author may want to know.
    package let warnings: [String]

    /// An observer that stands for a trigger of the kind that there was before (protocol 12.3): its
    /// function gets the events as they are.
    package init(
        legacyConfig config: JSONText,
        source: FunctionName,
        target: FunctionName,
        metadata: JSONText?
    ) {
        self.source = source
        self.target = target
        args = config.isObject ? config : .emptyObject
        filter = .all
        outcome = .success
        capture = Self.defaultCapture
        delivery = .input
        self.metadata = metadata
        firesMax = nil
        lifetime = nil
        concurrency = nil
        warnings = []
    }
}

extension ObserverSpec {
    /// The words of an `observe` message.
    package struct Words: Sendable {
        package var source: FunctionName
        package var target: FunctionName
        package var args: JSONText?
        package var filters: JSONText?
        /// Whether the filters held something that is not JSON, and was replaced.
        package var areFiltersRepaired = false
        package var on: String?
        package var capture: [String]?
        package var deliver: String?
        package var metadata: JSONText?
        package var firesMax: Int64?
        package var lifetimeMilliseconds: Int64?
        package var concurrency: Int64?

        package init(source: FunctionName, target: FunctionName) {
            self.source = source
            self.target = target
        }
    }

    /// - Throws: `INVALID_FILTER`, `INVALID_ARGS` or `INVALID_NAMESPACE`.
    package init(_ words: Words) throws(ErrorBody) {
        for name in [words.source, words.target] {
            guard max(name.id.utf8.count, name.namespace.utf8.count) <= Limits.nameBytes,
                !name.id.allSatisfy(\.isWhitespace)
            else {
                throw .invalidArgs(
                    "a function's id and namespace have 1 to \(Limits.nameBytes) bytes"
                )
            }
            guard !name.namespace.allSatisfy(\.isWhitespace) else {
                throw ErrorBody(code: "INVALID_NAMESPACE", message: "namespace must not be blank")
            }
        }
        source = words.source
        target = words.target
        args = words.args ?? .emptyObject
        guard args.isObject else { throw .invalidArgs("source.args has to be an object") }
        guard !words.areFiltersRepaired else {
            throw .invalidFilter("the filter holds NaN, an infinity or a lone surrogate")
        }
        filter = try words.filters.map { (text) throws(ErrorBody) in try Filter(text) } ?? .all
        outcome = try Self.choice(words.on, "source.on") ?? .success
        delivery = try Self.choice(words.deliver, "source.deliver") ?? .envelope
        capture = words.capture ?? Self.defaultCapture
        guard capture.count <= Self.captureMax else {
            throw .invalidArgs(
                "source.capture has \(capture.count) names; at most \(Self.captureMax) are taken"
            )
        }
        guard capture.allSatisfy({ $0.utf8.count <= Limits.nameBytes }) else {
            let most = Limits.nameBytes
            throw .invalidArgs("a name of source.capture has more than \(most) bytes")
        }
        metadata = words.metadata
        firesMax = try Self.count(words.firesMax, "max_fires").map { UInt64($0) }
        lifetime = try Self.count(words.lifetimeMilliseconds, "expires_in_ms").map {
            let (product, overflow) = UInt64($0).multipliedReportingOverflow(by: 1_000_000)
            return overflow ? .max : product
        }
        concurrency = try Self.count(words.concurrency, "max_in_flight").map { Int($0) }
        let unknown = capture.filter { FilterRoot(rawValue: $0) == nil }
        warnings = unknown.map { "source.capture: \"\($0)\" is unknown and captures nothing" }
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ word: String?,
        _ field: String
    ) throws(ErrorBody) -> Choice? {
        guard let word else { return nil }
        guard let choice = Choice(rawValue: word) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidArgs("\(field) is \"\(word)\"; known are \(known)")
        }
        return choice
    }

    private static func count(_ number: Int64?, _ field: String) throws(ErrorBody) -> Int64? {
        guard let number else { return nil }
        guard number > 0 else { throw .invalidArgs("\(field) is \(number); it has to be above 0") }
        return number
    }

    // MARK: Against the function

    /// Why a function with this descriptor cannot be observed so; nil: it can.
    package func refusal(by descriptor: ObserveDescriptor) -> ErrorBody? {
        guard descriptor.isAllowed else {
            return ErrorBody(
                code: "NOT_OBSERVABLE",
                message: "function \(source) does not let itself be observed"
            )
        }
        guard descriptor.isOwnerDelivered else { return nil }
        if let format = descriptor.argsFormat, let violation = violation(of: format) {
            return .invalidArgs("\(violation), by the args_format of \(source)")
        }
        // Its events are what it hands out: there is no output, and no error.
        let absent = [FilterRoot.output, .error].filter(filter.roots.contains)
        guard let root = absent.first else { return nil }
        return ErrorBody(
            code: "INVALID_FILTER_PATH",
            message: "the filter looks at \(root.rawValue), which no event of \(source) has: its "
                + "owner hands out inputs"
        )
    }

    private func violation(of format: JSONText) -> String? {
        // Workers write both, and they are read on the core thread.
        for (text, name, most) in [
            (format, "the format", ArgsFormat.bytesMax), (args, "args", ArgsFormat.argsBytesMax),
        ] where text.bytes.count > most {
            return "\(name) has \(text.bytes.count) bytes, more than \(most)"
        }
        return ArgsFormat(format).violation(by: args)
    }

    /// What to tell its author about a function with this descriptor.
    package func warnings(about descriptor: ObserveDescriptor) -> [String] {
        var found = warnings
        if !descriptor.isOwnerDelivered, args != .emptyObject {
            found.append("source.args are ignored: \(source) takes none")
        }
        if !descriptor.isOwnerDelivered {
            let missing: FilterRoot? =
                switch outcome {
                case .success: .error
                case .error: .output
                case .complete: nil
                }
            if let missing, filter.roots.contains(missing) {
                found.append(
                    "the filter looks at \(missing.rawValue), which is absent with "
                        + "\"on\": \"\(outcome.rawValue)\""
                )
            }
        }
        return found
    }
}

extension ErrorBody {
    static func invalidArgs(_ message: String) -> ErrorBody {
        ErrorBody(code: "INVALID_ARGS", message: message)
    }
}
