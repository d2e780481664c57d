/// Bounds of the engine that are not configuration. Those that concern only one type, or functions
/// of one service, may stand beside what they bound: a service's as an extension of this.
package enum Limits {
    /// Rows of each list in a picture of the engine.
    package static let pictureRows = 2000
    /// Records that are read for one picture.
    package static let pictureReads = 16
    /// Traces whose spans are told of as they come.
    package static let watchedTraces = 256
    /// A record's payload, in bytes. A request whose record would be larger is refused.
    package static let recordBytes = 16 << 20
    /// What one group commit aims to hold, in bytes; a single record may make a batch larger.
    package static let batchBytes = 8 << 20
    /// A WebSocket message from a worker, in bytes.
    package static let messageBytes = 64 << 20
    /// Levels of arrays and objects in a JSON text.
    package static let jsonDepth = 128
    /// What is large of that which queues have handed to a worker and it has not answered, in
    /// bytes: beyond that they hand it no large message more until some are answered.
    package static let deliveriesOfWorker = 32 << 20
    /// As many beyond which not even a queue does of which nothing runs, in bytes.
    package static let deliveriesOfWorkerMax = 48 << 20
    /// A queue's message that waits for no room, in bytes: as many of those run as the queues'
    /// concurrency lets.
    package static let smallDelivery = 16 << 10
    /// Bytes that a worker has not taken, at which nothing more is read from it.
    package static let unreadPause = 64 << 20
    /// As many at which it is called no more, and large answers to it are dropped.
    package static let unreadBytes = 128 << 20
    /// As many at which its connection is ended, in bytes: more than what may still come at
    /// ``unreadBytes``. That is one message, of ``messageBytes``; large messages of queues, which
    /// are ``deliveriesOfWorkerMax`` and one more; and, in what is left, those of queues that have
    /// no bound in bytes: small ones, and those about which a condition was asked first.
    package static let unreadBytesMax = 320 << 20
    /// Digits of a JSON number before its fraction and exponent: with so many it is a double.
    package static let numberDigits = 308
    /// Digits that every SDK reads: Python raises from 4301 on, which ends the reader of SDKs
    /// before 0.24.4.
    package static let readableDigits = 4300
    /// What an SDK before 0.24.5 can receive in one message, in bytes (protocol 1.5).
    package static let oldClientMessageBytes = 1 << 20
    /// A frame that the engine sends, in bytes; larger messages are fragmented.
    package static let sentFrameBytes = 1 << 20
    /// A name of a worker, function, queue, scope or key, in bytes.
    package static let nameBytes = 4096
    /// What a record holds beside its largest payload (names, ids, headers), in bytes.
    package static let recordOverheadBytes = 64 << 10
    /// What a message to a worker holds beside its payload, in bytes.
    package static let envelopeBytes = 4 << 10
    /// How long the log is quiet before it is marked as durable to its end, in nanoseconds.
    package static let idleMarkDelay: UInt64 = 10_000_000
    /// How long the log sleeps at a time while its next segment cannot be made, in nanoseconds.
    package static let obstacleLook: UInt64 = 200_000_000
    /// How long a command that the log has no room for sleeps at a time until the device has taken
    /// what is staged, in nanoseconds.
    package static let roomLook: UInt64 = 1_000_000
    /// How long what cannot be read for the moment is let be before it is tried again, in
    /// nanoseconds; where that fails, twice as long each time.
    package static let unreadableRest: Int64 = 2_000_000_000
    /// As long at the most, in nanoseconds.
    package static let unreadableRestMax: Int64 = 64_000_000_000
    /// The time between two lines about the dead letters of a queue, in nanoseconds.
    package static let deadLetterNotices: UInt64 = 1_000_000_000
    /// Messages of one queue that the disk refuses, none of them given in between, before the queue
    /// rests: it need not be asked for all that wait.
    package static let refusedMessages = 8
    /// How often in a row what a subscriber has missed is asked for before it is told of a gap.
    package static let refusedReplays = 5
    /// A URL that a function is invoked by, in bytes.
    package static let urlBytes = 8192
    /// How long a function may take that is invoked by HTTP, in milliseconds: as long as any call
    /// is waited for (protocol 4.2).
    package static let fetchMilliseconds: Int64 = 3_600_000
    /// Requests for functions that one event loop makes at a time; further ones fail.
    package static let fetches = 1024
    /// Names that are looked up at a time for the functions of one connection.
    package static let lookUpsOfWorker = 2
    /// Names that are looked up at a time for the functions of all.
    package static let lookUps = 8
    /// Questions of one connection that wait for the address of a name.
    package static let openLookUps = 256
    /// Sockets of one event loop that wait for an auth function at a time; of further ones those of
    /// workers are closed without an answer, and those of streams are refused.
    package static let admissions = 512
    /// Workers that may go, one after the other, while they are asked about one socket; then it is
    /// refused.
    package static let admissionLosses = 3
    /// Parameters in the query of a socket that an auth function is asked about; of more nobody is
    /// asked, and it is refused.
    package static let handshakeParameters = 256
    /// Functions, triggers, trigger types and observers of one connection; more are refused.
    package static let registrations = 10_000
    /// What they hold, in bytes.
    package static let registrationBytes = 64 << 20
    /// Registrations of one worker that wait for its namespace, or for a hook.
    package static let waitingRegistrations = 16_384
    /// What is in those, in bytes.
    package static let waitingRegistrationBytes = 32 << 20
    /// Calls of one worker that wait, with the functions that they are of, for its namespace, and
    /// their payloads, in bytes.
    package static let preNamespaceCalls = 4096
    package static let preNamespaceCallBytes = 32 << 20
    /// What a socket of streams may have asked for that was not begun.
    package static let streamRequests = 1024
    /// Subscriptions of one socket of streams; further joins are refused.
    package static let streamSubscriptions = 1000
    /// How long the auth function of streams is waited for, in nanoseconds.
    package static let streamAdmission: UInt64 = 8_000_000_000
    /// How long a function is waited for that says whether a socket may join, in nanoseconds.
    package static let streamVisit: UInt64 = 30_000_000_000
    /// Messages that wait for a subscriber which does not take them.
    package static let streamWaiting = 64
    /// What is in those, in bytes.
    package static let streamWaitingBytes = 1 << 20
    /// Answers to what a subscriber asked for that wait for it.
    package static let streamAnswers = 65_536
    /// What is in those, in bytes: as much as its socket may leave unread.
    package static let streamAnswerBytes = 64 << 20
    /// Subscriptions of one socket that the log is read for at a time; further ones wait.
    package static let streamReplays = 8
    /// W3C baggage that is kept, in bytes (Baggage, section 3.3.2).
    package static let baggageBytes = 8192
    /// How many observers a chain of calls may go through.
    package static let observeDepth = 16
    /// How many activations one event may lead to by way of observers of what observers do.
    package static let chainedActivations = 1024
    /// How long a function's owner may take to answer for an observer, in nanoseconds: its SDK
    /// gives its hook 30 s.
    package static let ownerAckDelay: UInt64 = 35_000_000_000
    /// Activations of one observer that may wait for its `max_in_flight`.
    package static let waitingActivations = 1024
    /// The payloads of those, in bytes.
    package static let waitingActivationBytes = 16 << 20
    /// How long the core sleeps at a time while something is due later, in nanoseconds. What it
    /// sleeps by stands still while the machine is suspended, and does not see the wall clock being
    /// set: something may be due earlier than it seemed.
    package static let clockLook: UInt64 = 2_000_000_000
    /// How long the core thread looks for the next request before it sleeps, in nanoseconds.
    package static let haltPoll: UInt64 = 200_000
    /// How long a record waits for those of other clients to go to the device with it, in
    /// nanoseconds.
    package static let batchHold: UInt64 = 1_000_000
    /// Records of one batch that are a crowd which is expected back.
    package static let heldCrowd: UInt64 = 8
    /// Crowds that nobody waits for after some were late.
    package static let lateCrowds = 256
    /// Records that wait for nobody.
    package static let heldRecords: UInt64 = 256
    /// Bytes of records that wait for nobody.
    package static let heldBytes = 256 << 10
    /// Within how long a second signal is the first one once more, in nanoseconds.
    package static let signalEcho: UInt64 = 500_000_000
    /// How long a stop waits until those are told whose calls it cuts off, in seconds.
    package static let cutOffSeconds = 1
    /// How long the core may take to close the log when it is stopped, in seconds.
    package static let stopSeconds = 30
    /// How long the core thread runs at a time, in nanoseconds: the shortest that Linux grants.
    package static let coreSlice: UInt64 = 100_000
    /// How long an event loop runs at a time, in nanoseconds: it works off many sockets before one
    /// of those that it wakes, the core or a peer, takes its processor.
    package static let loopSlice: UInt64 = 3_000_000
    /// How long a provider may leave a trigger unanswered before it is told once more (protocol 5).
    package static let providerPatience: UInt64 = 7_000_000_000
    /// How much later than a trigger the provider of its type may come before that is told, in
    /// nanoseconds.
    package static let providerReturn: UInt64 = 2_000_000_000
    /// How long whoever makes a trigger of no connection waits for its provider (protocol 5).
    package static let bindingPatience: UInt64 = 10_000_000_000
    /// How long the holder of a name has to show that it lives (protocol 3.2).
    package static let nameClaimPatience: UInt64 = 2_000_000_000
    /// How long functions may come and go before watchers are told (protocol 6.10).
    package static let functionsLookDelay: UInt64 = 5_000_000_000
    /// Freed memory that the process keeps for its next burst, in bytes.
    package static let keptBytes = 32 << 20
    /// Commands that the core handles before it looks after the device again.
    package static let turnCommands = 128
    /// Payloads that wait for records to be on disk, in bytes, before no more commands are handled:
    /// one answer of any size, or many.
    package static let heldPayloadBytes = messageBytes
    /// Values of the state that are let go in one turn because their time is over.
    package static let expiriesOfTurn = 1024
    /// Messages of one queue that are handed out and have ended by the end of the same turn: the
    /// engine's own functions ran, or they could not be run.
    package static let endsOfTurn = 256
    /// How long a queue waits then before it goes on, in nanoseconds.
    package static let queueRest: UInt64 = 1_000_000
    /// How long after a start workers may not be back yet, and messages of topics wait for a
    /// condition, in nanoseconds.
    package static let workersReturn: Int64 = 10_000_000_000
    /// Calls that wait for what the log says of the state or of messages, or for a change of it.
    package static let logQueryCalls = 4096
    /// Single records that are read back at once without anybody waiting for them; more are waited
    /// for.
    package static let readsInFlight = 64
    /// What the engine has said and nobody has read yet, in bytes, beside what is being written.
    package static let reportBytes = 1 << 20
    /// How long the end of the process waits for what was said last to be written, in seconds.
    package static let lastWords = 1.0
    /// A write that takes longer to be on the medium, in nanoseconds, has waited for a processor.
    package static let slowSync: UInt64 = 2_000_000
    /// Messages that may be on their way in a channel when nobody says how many.
    package static let channelMessages = 64
    /// Messages that may be on their way in a channel at the most, whoever says how many.
    package static let channelMessagesMax = 1024
    /// Bytes that may be on their way in a channel: as many as its messages have when SDKs cut
    /// them. One message may be larger.
    package static let channelBytes = 4 << 20
    /// Channels that one connection has made and that are not over; further ones are refused.
    package static let channelsOfWorker = 4096
    /// Channels of all connections that are not over; further ones are refused.
    package static let channels = 65_536
    /// What the channels of one connection may hold together, in bytes, as long as each of them may
    /// hold ``channelBytesMin``.
    package static let channelBytesOfWorker = 256 << 20
    /// What any channel may hold, in bytes, however many there are.
    package static let channelBytesMin = 64 << 10
    /// How long a streamed response may rest whose function has failed, in nanoseconds.
    package static let failedStreamRest: Int64 = 5_000_000_000
    /// The headers that a function writes into its response's channel, in bytes.
    package static let streamedHeaderBytes = 16 << 10
    /// Writes that are synced the other way before the single write is tried again.
    package static let linkedSyncs = 1000
}
