import Cron
import JSON
import Primitives
import Testing

@Suite("A cron trigger's configuration and payload")
struct CronTriggerTests {
    private let function = FunctionName(namespace: "shop", id: "orders::cleanup")

    private func decode(_ config: String) throws -> CronTrigger {
        try CronTrigger.decode(
            id: "t1",
            function: function,
            config: JSONText(trusted: Array(config.utf8))
        )
    }

    @Test("takes `expression` or its alias `schedule`, and the first where both are there")
    func expression() throws {
        #expect(try decode(#"{"expression":"0 0 0 * * 1"}"#).expression.text == "0 0 0 * * 1")
        #expect(try decode(#"{"schedule":"0 2 * * *"}"#).expression.text == "0 2 * * *")
        #expect(
            try decode(#"{"schedule":["each night"],"expression":"@daily"}"#).expression.text
                == "@daily"
        )
        #expect(try decode(#"{"expression":null,"schedule":"@daily"}"#).expression.text == "@daily")
    }

    @Test("finds the condition in the function's namespace, and ignores unknown keys")
    func condition() throws {
        let trigger = try decode(
            #"{"expression":"@daily","condition_function_id":"is_open","description":7}"#
        )
        #expect(trigger.condition == FunctionName(namespace: "shop", id: "is_open"))
        #expect(trigger.id == "t1")
        #expect(trigger.function == function)
        #expect(try decode(#"{"expression":"@daily"}"#).condition == nil)
        #expect(
            try decode(#"{"expression":"@daily","condition_function_id":null}"#).condition == nil
        )
    }

    @Test(
        "is refused with a message that says what is wrong",
        arguments: [
            (
                "{}",
                "the configuration of cron trigger \"t1\": missing field \"expression\""
            ),
            (
                "null",
                "the configuration of cron trigger \"t1\": expected an object, found null"
            ),
            (
                #"{"expression":5}"#,
                "the configuration of cron trigger \"t1\": "
                    + "field \"expression\": expected a string, found an integer"
            ),
            (
                #"{"expression":"@daily","condition_function_id":[]}"#,
                "the configuration of cron trigger \"t1\": "
                    + "field \"condition_function_id\": expected a string, found an array"
            ),
            (
                #"{"expression":""}"#,
                "the cron expression is empty; expected 5 fields (minute hour day month weekday), "
                    + "6 (second minute hour day month weekday), 7 (and year), "
                    + "or a shorthand such as @daily"
            ),
            (
                #"{"expression":"0 0 0 * * 0"}"#,
                "invalid cron expression \"0 0 0 * * 0\": day of week \"0\": 0 is not allowed; "
                    + "expected 1 (Sunday) to 7 (Saturday) or sun to sat"
            ),
            (
                #"{"schedule":"not a schedule"}"#,
                "invalid cron expression \"not a schedule\": it has 3 fields; "
                    + "expected 5 fields (minute hour day month weekday), "
                    + "6 (second minute hour day month weekday), 7 (and year), "
                    + "or a shorthand such as @daily"
            ),
        ]
    )
    func refused(config: String, message: String) {
        #expect(throws: ErrorBody(code: "trigger_registration_failed", message: message)) {
            try decode(config)
        }
    }

    @Test("the payload names the slot to the second and the firing with its fraction")
    func payload() {
        let scheduled = instant("2031-04-02T09:30:00")
        let actual = Timestamp(nanoseconds: scheduled.nanoseconds + 1_742_000)
        let payload = CronView.payload(trigger: "7c\"9e", scheduled: scheduled, actual: actual)
        #expect(
            payload.description == #"{"trigger":"cron","job_id":"7c\"9e","#
                + #""scheduled_time":"2031-04-02T09:30:00+00:00","#
                + #""actual_time":"2031-04-02T09:30:00.001742+00:00"}"#
        )
    }
}
