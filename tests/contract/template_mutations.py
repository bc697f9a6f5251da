"""Each promise of the template's checks, broken on purpose in a copy: the check must say so, and name what is broken.

Run by make check with SAM's Python, beside template_check.py.
"""

import functools
import json
import pickle
import unittest
import unittest.mock

import template_check
from template import actions, budget, combinations, cut, database, domain, edge, failure, graph, local, loops, metrics, modes, parameters, pipelines, privileges, reads, rollout, sources, throttles, variables
from template.model import Template, load

INTACT = load()
WRITTEN = pickle.dumps(INTACT.document)


@functools.cache
def said_of_intact(check):
    return list(check(INTACT))


class Broken(unittest.TestCase):
    """A copy of the template to break, and the question whether a check notices."""

    def setUp(self):
        self.document = pickle.loads(WRITTEN)
        self.resources = self.document["Resources"]

    def properties(self, logical_id):
        return self.resources[logical_id]["Properties"]

    def allow(self, role, action, resource):
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        self.properties(role)["Policies"][0]["PolicyDocument"]["Statement"].append(statement)

    def assert_noticed(self, check, *words):
        self.assertEqual(said_of_intact(check), [], "the template as it is must pass")
        said = "\n".join(check(Template(self.document)))
        for word in words:
            self.assertIn(word, said)


class TheConnectionBudget(Broken):
    def test_raising_one_function_past_its_share_names_it(self):
        self.properties("OrderStatusFunction")["ReservedConcurrentExecutions"] = 201
        self.assert_noticed(budget.every_function_keeps_to_its_share, "order-status can take 201", "its share is 200")

    def test_a_larger_pool_counts_as_more_connections(self):
        self.properties("ReceivePaymentFunction")["Environment"]["Variables"]["DATABASE_POOL_SIZE"] = "2"
        self.assert_noticed(budget.every_function_keeps_to_its_share, "receive-payment can take 160")

    def test_raising_a_share_past_what_the_proxy_lends_fails(self):
        self.document["Metadata"]["ConnectionBudget"]["full"]["order-status"] += 1000
        self.assert_noticed(budget.the_shares_fit_the_proxy, "the proxy lends 640")

    def test_a_function_without_a_ceiling_is_named(self):
        del self.properties("VerifyPaymentFunction")["ReservedConcurrentExecutions"]
        self.assert_noticed(budget.every_function_has_a_ceiling, "verify-payment")

    def test_a_small_stack_that_takes_more_than_its_share_is_named(self):
        self.document["Mappings"]["AtOnce"]["small"]["Admin"] = 3
        self.assert_noticed(budget.every_function_keeps_to_its_share, "with Scale small, admin can take 3 connections, its share is 2")

    def test_a_function_without_a_share_is_named(self):
        del self.document["Metadata"]["ConnectionBudget"]["full"]["sweep"]
        self.assert_noticed(budget.every_function_keeps_to_its_share, "sweep can take 12 connections and has no share")

    def test_queues_that_ask_for_more_than_is_reserved_are_named(self):
        self.properties("CreatePurchaseFromQueue")["ScalingConfig"]["MaximumConcurrency"] = 11
        self.assert_noticed(budget.queues_never_ask_for_more_than_the_ceiling, "create-purchase: its queues ask for 11")

    def test_more_than_an_account_lets_be_reserved_fails(self):
        self.properties("InvalidateCacheFunction")["ReservedConcurrentExecutions"] = 900
        self.assert_noticed(budget.all_functions_together_fit_the_account, "an account of 1,000 lets 900 be reserved")


class LeastPrivilege(Broken):
    CHECK = staticmethod(privileges.roles_grant_what_is_used_and_no_more)

    def test_an_action_that_no_code_uses_is_named(self):
        self.allow("OrderStatusRole", "sqs:SendMessage", {"Ref": "JobsQueue"})
        self.assert_noticed(self.CHECK, "order-status may sqs:SendMessage on JobsQueue, which no code of it does")

    def test_an_action_on_another_functions_queue_is_named(self):
        self.allow("AllocateTrainerRole", "sqs:SendMessage", {"Fn::GetAtt": ["JobsQueue", "Arn"]})
        self.assert_noticed(self.CHECK, "allocate-trainer may sqs:SendMessage on JobsQueue")

    def test_a_secret_that_is_not_read_is_named(self):
        self.allow("CreatePurchaseRole", "secretsmanager:GetSecretValue", {"Ref": "KhaltiSecretArn"})
        self.assert_noticed(self.CHECK, "create-purchase may secretsmanager:GetSecretValue on KhaltiSecretArn")

    def test_what_the_code_does_and_the_role_does_not_allow_is_named(self):
        self.properties("VerifyPaymentRole")["Policies"][0]["PolicyDocument"]["Statement"].pop(1)
        self.assert_noticed(self.CHECK, "verify-payment does sqs:SendMessage on JobsQueue, which its role does not allow")

    def test_a_topic_that_is_not_written_is_named(self):
        topic = "arn:${AWS::Partition}:kafka:${AWS::Region}:${AWS::AccountId}:topic/${Cluster}/purchase-created"
        self.allow("ReceivePaymentRole", "kafka-cluster:WriteData", {"Fn::Sub": [topic, {"Cluster": "c"}]})
        self.assert_noticed(self.CHECK, "receive-payment may kafka-cluster:WriteData on topic purchase-created")

    def test_a_wildcard_resource_is_named(self):
        self.allow("SweepRole", "sqs:SendMessage", "*")
        self.assert_noticed(privileges.nothing_is_a_wildcard, "SweepRole allows ['sqs:SendMessage'] on a wildcard")

    def test_a_wildcard_within_a_resource_is_named(self):
        self.allow("SweepRole", "sqs:SendMessage", {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:*"})
        self.assert_noticed(privileges.nothing_is_a_wildcard, "SweepRole allows ['sqs:SendMessage'] on a wildcard")

    def test_an_action_on_a_resource_that_it_does_not_know_is_named(self):
        statements = self.properties("ReadTopicsPolicy")["PolicyDocument"]["Statement"]
        statements[1]["Resource"] = {"Ref": "MskClusterArn"}
        self.assert_noticed(privileges.what_knows_no_resource_is_allowed_on_all, "ReadTopicsPolicy allows kafka:GetBootstrapBrokers on")

    def test_a_wildcard_action_is_named(self):
        self.allow("SweepRole", "sqs:*", {"Fn::GetAtt": ["JobsQueue", "Arn"]})
        self.assert_noticed(privileges.nothing_is_a_wildcard, "SweepRole allows ['sqs:*']")

    def test_a_policy_of_awss_own_is_named(self):
        self.properties("SweepRole")["ManagedPolicyArns"].append("arn:aws:iam::aws:policy/AmazonSQSFullAccess")
        self.assert_noticed(privileges.roles_share_no_policies_of_others, "sweep has the policy arn:aws:iam::aws:policy/AmazonSQSFullAccess")

    def test_a_shared_policy_that_grants_more_is_named(self):
        statements = self.properties("RuntimePolicy")["PolicyDocument"]["Statement"]
        statements.append({"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": "*"})
        self.assert_noticed(privileges.shared_policies_grant_what_lambda_does, "RuntimePolicy allows ['logs:CreateLogGroup']")


class Actions(Broken):
    """What IAM would take without a word, and allow nothing by."""

    def test_an_action_that_does_not_exist_is_named(self):
        self.allow("SweepRole", "sqs:SendMessages", {"Fn::GetAtt": ["JobsQueue", "Arn"]})
        self.assert_noticed(actions.every_action_exists, "SweepRole allows sqs:SendMessages, which is no action of AWS")

    def test_a_policy_that_is_empty_in_one_way_to_deploy_is_named(self):
        del self.resources["RuntimePolicy"]["Condition"]
        document = self.properties("RuntimePolicy")["PolicyDocument"]
        document["Statement"] = [{"Fn::If": ["InVpc", statement, {"Ref": "AWS::NoValue"}]} for statement in document["Statement"]]
        self.assert_noticed(actions.statements_are_well_formed, "RuntimePolicy has a policy without any statement in one way to deploy")

    def test_an_action_of_no_service_is_named(self):
        self.properties("DatabaseProxyRole")["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = "secretmanager:GetSecretValue"
        self.assert_noticed(actions.every_action_exists, "DatabaseProxyRole allows secretmanager:GetSecretValue, which is no action of AWS")

    def test_an_action_on_another_kind_of_resource_is_named(self):
        self.allow("SweepRole", "sqs:SendMessage", {"Fn::GetAtt": ["SweepFunction", "Arn"]})
        self.allow("AdminRole", "secretsmanager:GetSecretValue", {"Fn::GetAtt": ["DatabaseCluster", "DBClusterArn"]})
        self.assert_noticed(
            actions.every_action_takes_its_resource,
            "SweepRole allows sqs:SendMessage on arn:aws:lambda:us-east-1:123456789012:function:SweepFunction; it takes arn:*:sqs:*:*:*",
            "AdminRole allows secretsmanager:GetSecretValue on DatabaseCluster; it takes arn:*:secretsmanager:*:*:secret:*",
        )

    def test_a_queues_url_in_place_of_its_arn_is_named(self):
        self.allow("SweepRole", "sqs:SendMessage", {"Ref": "JobsQueue"})
        self.assert_noticed(actions.every_action_takes_its_resource, "SweepRole allows sqs:SendMessage on https://sqs.us-east-1.amazonaws.com/")

    def test_an_action_that_knows_no_resource_is_named(self):
        self.properties("ReadTopicsPolicy")["PolicyDocument"]["Statement"][1]["Resource"] = {"Ref": "MskClusterArn"}
        self.assert_noticed(actions.every_action_takes_its_resource, "ReadTopicsPolicy allows kafka:GetBootstrapBrokers on", "it takes no resource, so * only")

    def test_an_action_of_one_transport_is_looked_at_too(self):
        """The policy is there with Kafka only."""
        statement = self.properties("PublishTopicsPolicy")["PolicyDocument"]["Statement"][0]
        statement["Resource"] = {"Fn::Sub": "arn:${AWS::Partition}:kafka:${AWS::Region}:${AWS::AccountId}:topic/all"}
        self.assert_noticed(actions.every_action_takes_its_resource, "PublishTopicsPolicy allows kafka-cluster:Connect on")

    def test_half_of_the_resources_that_an_action_needs_are_named(self):
        statement = self.properties("RuntimePolicy")["PolicyDocument"]["Statement"][0]
        statement["Resource"] = {"Fn::Sub": "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:subnet/*"}
        self.assert_noticed(actions.every_action_has_all_its_resources, "RuntimePolicy allows ec2:CreateNetworkInterface on no network-interface")

    def test_a_statement_that_is_none_is_named(self):
        statements = self.properties("SweepRole")["Policies"][0]["PolicyDocument"]["Statement"]
        statements[0]["Actions"] = statements[0]["Action"]
        statements[1]["Condition"] = {"StringEqual": {"aws:SourceAccount": "1"}}
        self.assert_noticed(actions.statements_are_well_formed, "SweepRole: MALFORMED", "SweepRole: UNKNOWN_OPERATOR StringEqual")


class Graph(Broken):
    """What waits for what, in the template as SAM expands it, for every combination."""

    NOT_MADE = staticmethod(graph.nothing_points_at_what_is_not_made)
    CIRCLE = staticmethod(graph.nothing_waits_for_itself)

    def test_a_reference_that_one_combination_leaves_without_its_resource_is_named(self):
        """A proxy before a given database, which has no writer here."""
        self.properties("DatabaseProxy")["Tags"][0]["Value"] = {"Ref": "DatabaseWriter"}
        self.assert_noticed(self.NOT_MADE, "DatabaseProxy points at DatabaseWriter, which is not made with network: given, with a cluster; transport: SQS")

    def test_an_attribute_in_the_wrong_branch_is_named(self):
        variables = self.properties("AdminFunction")["Environment"]["Variables"]
        variables["JOBS_QUEUE_URL"] = {"Fn::If": ["HasConsole", {"Fn::GetAtt": ["JobsQueue", "QueueUrl"]}, ""]}
        self.assert_noticed(self.NOT_MADE, "AdminFunction points at JobsQueue, which is not made with network: made; transport: SQS; pipelines: course;")

    def test_a_text_that_names_what_is_not_made_is_named(self):
        self.properties("ApiStage")["Description"] = {"Fn::Sub": "With ${OrderStatusRoute} and ${!this}"}
        self.assert_noticed(self.NOT_MADE, "ApiStage points at OrderStatusRoute")

    def test_a_resource_that_waits_for_none_is_named(self):
        self.resources["ApiLogs"]["DependsOn"] = ["DatabaseLogs", "NetworkLogs"]
        self.assert_noticed(self.NOT_MADE, "ApiLogs points at DatabaseLogs", "ApiLogs points at NetworkLogs")

    def test_what_sam_makes_is_looked_at_too(self):
        """The role of a schedule is SAM's."""
        schedule = self.properties("SweepFunction")["Events"]["Outbox"]["Properties"]
        schedule["DeadLetterConfig"]["Arn"] = {"Fn::GetAtt": ["JobsDeadLetters", "Arn"]}
        self.assert_noticed(self.NOT_MADE, "SweepFunctionOutbox points at JobsDeadLetters", "SweepFunctionOutboxRole points at JobsDeadLetters")

    def test_an_output_of_what_is_not_made_is_named(self):
        del self.document["Outputs"]["OrderConfirmedQueueUrl"]["Condition"]
        self.assert_noticed(self.NOT_MADE, "output OrderConfirmedQueueUrl points at OrderConfirmedQueue")

    def test_groups_that_wait_for_each_other_are_named(self):
        rule = {"Description": "Back", "IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "SourceSecurityGroupId": {"Ref": "DataSecurityGroup"}}
        self.properties("FunctionSecurityGroup")["SecurityGroupIngress"] = [rule]
        self.assert_noticed(self.CIRCLE, "DataSecurityGroup waits for FunctionSecurityGroup waits for DataSecurityGroup, with network: made")

    def test_a_circle_of_one_combination_is_named_with_it(self):
        """Each half alone is there in others."""
        self.resources["DatabaseWriter"]["DependsOn"] = "DatabaseProxyTargets"
        self.assert_noticed(self.CIRCLE, "DatabaseWriter", "scale: full")

    def test_halves_of_a_circle_that_never_meet_are_none(self):
        self.properties("ApiLogs")["Tags"] = {"Fn::If": ["HasShop", [{"Key": "a", "Value": {"Ref": "SchedulesDeadLetters"}}], []]}
        self.properties("SchedulesDeadLetters")["Tags"] = {"Fn::If": ["HasShop", [], [{"Key": "a", "Value": {"Ref": "ApiLogs"}}]]}
        self.assertEqual(list(self.CIRCLE(Template(self.document))), [])


class Failure(Broken):
    """What a first deployment that fails would leave, to be removed by hand or not at all."""

    def test_a_resource_that_is_kept_is_named(self):
        self.resources["Cache"]["DeletionPolicy"] = "Retain"
        self.resources["PurchaseConfirmedQueue"]["DeletionPolicy"] = "RetainExceptOnCreate"
        self.assert_noticed(failure.nothing_is_kept, "Cache stays when the stack goes", "PurchaseConfirmedQueue stays when the stack goes")

    def test_a_resource_that_refuses_to_be_deleted_is_named(self):
        self.properties("DatabaseCluster")["DeletionProtection"] = {"Fn::If": ["IsFull", True, False]}
        self.assert_noticed(
            failure.nothing_is_kept, "DatabaseCluster refuses to be deleted (DeletionProtection), with network: made; transport: SQS; pipelines: course; scale: full"
        )

    def test_a_bucket_and_a_secret_are_named(self):
        self.resources["Receipts"] = {"Type": "AWS::S3::Bucket"}
        self.resources["Login"] = {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {}}}
        self.assert_noticed(failure.every_kind_is_known, "Receipts is of the kind AWS::S3::Bucket: one that holds anything", "Login is of the kind")

    def test_an_unlisted_kind_is_named(self):
        self.resources["Files"] = {"Type": "AWS::EFS::FileSystem"}
        self.assert_noticed(failure.every_kind_is_known, "Files is of the kind AWS::EFS::FileSystem; say in failure.py")

    def test_a_log_group_that_aws_would_make_is_named(self):
        del self.resources["DatabaseCluster"]["DependsOn"], self.resources["DatabaseProxy"]["DependsOn"]
        del self.properties("SweepFunction")["LoggingConfig"]["LogGroup"]
        self.properties("MigrateLogs")["LogGroupName"] = {"Fn::Sub": "/lambda/${AWS::StackName}-migrate"}
        self.assert_noticed(
            failure.log_groups_are_made_first,
            "DatabaseCluster would make /aws/rds/cluster/makegood/postgresql by itself",
            "DatabaseProxy would make /aws/rds/proxy/makegood by itself",
            "SweepFunction would make /aws/lambda/makegood-sweep by itself",
            "MigrateFunction would make /aws/lambda/makegood-migrate by itself",
        )

    def test_a_name_that_two_stacks_share_is_named(self):
        self.properties("JobsQueue")["QueueName"] = "jobs"
        self.properties("SweepRole")["RoleName"] = {"Fn::Sub": "sweep-${AWS::Region}"}
        self.assert_noticed(failure.names_are_the_stacks_own, "JobsQueue is named jobs in every stack", "SweepRole is named sweep-us-east-1 in every stack")

    def test_a_function_that_outlives_what_removes_its_interface_is_named(self):
        self.properties("MigrateRole")["ManagedPolicyArns"] = []
        self.assert_noticed(failure.functions_go_before_what_removes_their_interfaces, "MigrateFunction is in a network, and no role that outlives it may")

    def test_a_page_that_says_something_else_is_named(self):
        self.resources["DatabaseSettings"]["DependsOn"] = "Api"
        self.assert_noticed(failure.the_page_says_what_is_left, "docs/deploy.md has another table")


class Variables(Broken):
    """What the binaries read, beside what they are told, for every combination."""

    MISSING = staticmethod(variables.what_a_binary_needs_is_set)
    UNREAD = staticmethod(variables.what_is_set_is_read)

    def variables(self, function):
        return self.properties(function)["Environment"]["Variables"]

    def test_a_variable_that_is_not_set_is_named(self):
        del self.variables("AllocateTrainerFunction")["ADMIN_SERVICE_URL"], self.variables("SweepFunction")["QUEUE_URL_PURCHASE_ENDED"]
        self.assert_noticed(
            self.MISSING, "allocate-trainer does not start without ADMIN_SERVICE_URL", "sweep does not start without QUEUE_URL_PURCHASE_ENDED"
        )

    def test_a_variable_that_one_combination_leaves_empty_is_named_with_it(self):
        self.variables("CreatePurchaseFunction")["KAFKA_BROKERS"] = {"Fn::If": ["HasShop", {"Ref": "KafkaBrokers"}, ""]}
        self.assert_noticed(
            self.MISSING, "create-purchase does not start without KAFKA_BROKERS, which is not set with network: made; transport: Kafka; pipelines: course;"
        )

    def test_a_school_that_is_told_half_a_shop_is_named(self):
        self.variables("SweepFunction")["ESEWA_BASE_URL"] = "https://esewa.test"
        self.assert_noticed(self.MISSING, "sweep does not start without KHALTI_BASE_URL, which is not set with network: made; transport: SQS; pipelines: course;")

    def test_a_secret_that_is_there_in_neither_form_is_named(self):
        self.variables("ReceivePaymentFunction")["CONFIRMATION_SECRET_ARN"] = {"Fn::If": ["HasDatabaseSecret", {"Ref": "AWS::NoValue"}, "arn"]}
        self.assert_noticed(self.MISSING, "receive-payment does not start without CONFIRMATION_SECRET_ARN")

    def test_a_variable_that_no_function_reads_is_named(self):
        self.variables("OrderStatusFunction")["STATUS_REQUESTS_A_MINUTE"] = self.variables("OrderStatusFunction").pop("STATUS_REQUESTS_PER_MINUTE")
        self.variables("SweepFunction")["RAZORPAY_BASE_URL"] = {"Ref": "RazorpayBaseUrl"}
        self.variables("SweepFunction")["STRIPE_BASE_URL"] = {"Ref": "StripeBaseUrl"}
        self.assert_noticed(
            self.UNREAD,
            "order-status is told STATUS_REQUESTS_A_MINUTE and does not read it",
            "sweep is told RAZORPAY_BASE_URL and does not read it, with network: made; transport: SQS; pipelines: course;",
            "sweep is told STRIPE_BASE_URL and does not read it, with network: made; transport: SQS; pipelines: course;",
        )

    def test_a_variable_that_another_binary_reads_is_named(self):
        self.document["Globals"]["Function"]["Environment"]["Variables"]["JOBS_QUEUE_URL"] = "https://sqs/jobs"
        self.assert_noticed(self.UNREAD, "migrate is told JOBS_QUEUE_URL and does not read it")

    def test_a_choice_that_no_deployment_can_make_is_named(self):
        del self.variables("CreatePurchaseFunction")["SECOND_PAYMENT"]
        self.assert_noticed(variables.what_is_read_can_be_set, "create-purchase reads SECOND_PAYMENT, which the template never sets")

    def assert_noticed_of_code(self, path, old, new, check, *words):
        """The same with another source in place of the template."""
        files = dict(sources.rust_files())
        self.assertIn(old, files[path])
        files[path] = files[path].replace(old, new)
        caches = [reads.readers, reads.topics, reads.reading, variables.each]
        with unittest.mock.patch.object(sources, "rust_files", lambda: files):
            for cache in caches:
                cache.cache_clear()
            said = "\n".join(check(Template(self.document)))
        for cache in caches:
            cache.cache_clear()
        for word in words:
            self.assertIn(word, said)

    def test_a_binary_that_needs_a_new_variable_is_named(self):
        path, old = "functions/order-status/src/main.rs", "let limit = Throttle::read("
        new = f'environment.required("STATUS_PAGE_URL"); {old}'
        self.assert_noticed_of_code(path, old, new, self.MISSING, "order-status does not start without STATUS_PAGE_URL")

    def test_a_shared_reader_that_needs_a_new_variable_is_named_for_each_binary(self):
        path, old = "shared/makegood/src/config.rs", 'environment.required("DATABASE_NAME")'
        new = f'{old}, schema: environment.required("DATABASE_SCHEMA")'
        self.assert_noticed_of_code(path, old, new, self.MISSING, "migrate does not start without DATABASE_SCHEMA", "sweep does not start without DATABASE_SCHEMA")

    def test_a_variable_that_is_read_no_more_is_named(self):
        path, old = "functions/receive-payment/src/main.rs", 'environment.is_yes("TRUST_WEBHOOK_NOTES")'
        self.assert_noticed_of_code(path, old, "false", self.UNREAD, "receive-payment is told TRUST_WEBHOOK_NOTES and does not read it")

    def test_an_event_that_is_published_to_no_queue_is_named(self):
        path, old = "functions/allocate-trainer/src/main.rs", "&[EventType::TrainerAllocated]"
        new = "&[EventType::TrainerAllocated, EventType::PurchaseEnded]"
        self.assert_noticed_of_code(path, old, new, self.MISSING, "allocate-trainer does not start without QUEUE_URL_PURCHASE_ENDED")


class Metrics(Broken):
    def plot(self, old, new):
        """Another word on the dashboard, wherever it stands."""
        dashboard, old, new = json.dumps(self.properties("Dashboard")), json.dumps(old)[1:-1], json.dumps(new)[1:-1]
        self.assertIn(old, dashboard)
        self.resources["Dashboard"]["Properties"] = json.loads(dashboard.replace(old, new))

    def test_a_metric_without_alarm_and_plot_is_named(self):
        del self.resources["StuckJobsAlarm"]
        self.plot('"JobsRequeued"', '"JobsFailed"')
        self.assert_noticed(metrics.emitted_and_used_are_the_same, "JobsRequeued is emitted, and no alarm or plot looks at it")

    def test_a_metric_that_is_looked_at_in_another_function_only_is_named(self):
        self.plot('"SessionsCreated", "Function", "top-up-sessions"', '"SessionsCreated", "Function", "schedule-sessions"')
        self.assert_noticed(metrics.what_a_function_emits_is_looked_at_there, "top-up-sessions emits SessionsCreated, and no alarm")

    def test_an_alarm_on_a_metric_that_no_code_emits_is_named(self):
        self.properties("IndexMissingAlarm")["MetricName"] = "IndexGone"
        self.assert_noticed(metrics.emitted_and_used_are_the_same, "IndexGone is looked at, and no code emits it")

    def test_a_plot_of_a_metric_that_no_code_emits_is_named(self):
        self.plot("OutboxBacklog", "OutboxSize")
        self.assert_noticed(metrics.emitted_and_used_are_the_same, "OutboxSize is looked at, and no code emits it")

    def test_an_alarm_on_a_function_that_does_not_emit_is_named(self):
        self.properties("OutboxStuckAlarm")["Dimensions"] = [{"Name": "Function", "Value": "migrate"}]
        self.assert_noticed(metrics.what_is_looked_at_can_be_there, "OutboxStuckAlarm looks at OutboxOldestSeconds of migrate")

    def test_an_alarm_on_a_dimension_that_no_code_sets_is_named(self):
        self.properties("PaidUnfulfilledAlarm")["Dimensions"].pop()
        self.assert_noticed(metrics.what_is_looked_at_can_be_there, "PaidUnfulfilledAlarm looks at PaidUnfulfilledOldestSeconds with {}")

    def test_an_alarm_without_a_runbook_section_is_named(self):
        self.properties("FallbackAlarm")["AlarmDescription"] = {"Fn::Sub": "Slow. ${RunbookUrl}#alarm-nowhere"}
        self.assert_noticed(metrics.every_alarm_links_to_its_runbook, "alarm-nowhere, which is no section", "alarm-fallback belongs to no alarm")

    def test_an_alarm_at_another_threshold_is_named(self):
        self.properties("SlowOrdersAlarm")["Threshold"] = 60000
        self.assert_noticed(metrics.alarms_ring_when_they_must, "SlowOrdersAlarm rings at ('>', 60000)")

    def test_refused_signatures_without_an_alarm_are_named(self):
        del self.resources["SignaturesRefusedAlarm"]
        self.assert_noticed(metrics.alarms_ring_when_they_must, "SignaturesRefusedAlarm rings at None")

    def test_silence_that_is_not_filled_is_named(self):
        self.properties("SweepSilentAlarm")["Metrics"][0]["Expression"] = "runs"
        self.assert_noticed(metrics.silence_rings_at_once, "SweepSilentAlarm rings on silence, and late")

    def test_an_alarm_that_hears_silence_by_a_gauge_is_named(self):
        query = self.properties("SweepSilentAlarm")["Metrics"][1]["MetricStat"]
        query["Metric"].update(MetricName="OutboxBacklog", Dimensions=[{"Name": "Function", "Value": "sweep"}])
        query["Stat"] = "SampleCount"
        self.assert_noticed(metrics.silence_is_heard_on_a_counter, "SweepSilentAlarm hears silence by the SampleCount of OutboxBacklog")

    def test_an_alarm_that_another_stack_can_ring_is_named(self):
        self.properties("IndexMissingAlarm")["Namespace"] = "Makegood"
        self.properties("SweepErrorsAlarm")["Dimensions"] = [{"Name": "FunctionName", "Value": "sweep"}]
        self.assert_noticed(metrics.two_stacks_never_mix, "IndexMissingAlarm looks at Makegood with", "SweepErrorsAlarm looks at AWS/Lambda with")

    def test_functions_that_write_to_a_namespace_of_all_stacks_are_named(self):
        del self.document["Globals"]["Function"]["Environment"]
        self.assert_noticed(metrics.two_stacks_never_mix, "the functions write their metrics to None")

    def test_a_proxy_whose_pinning_no_alarm_watches_is_named(self):
        del self.resources["ProxyPinningAlarm"], self.resources["ConcurrencyAlarm"], self.resources["AllocateTrainerLagAlarm"]
        self.assert_noticed(
            metrics.what_is_not_ours_is_watched_too,
            "no alarm looks at DatabaseConnectionsCurrentlySessionPinned of AWS::RDS::DBProxy",
            "no alarm looks at how much of the account's quota",
            "allocate-trainer reads a topic, and no alarm looks at how far it is behind",
        )

    def test_alarms_without_a_receiver_and_without_a_word_are_named(self):
        self.document["Outputs"]["AlarmsTell"]["Value"] = {"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopicArn"}, "a person"]}
        self.assert_noticed(metrics.who_hears_of_an_alarm_is_said, "with neither AlarmEmail nor AlarmTopicArn the output AlarmsTell does not say none")

    def test_an_alarm_without_its_topic_is_named(self):
        del self.properties("FallbackAlarm")["AlarmActions"]
        self.assert_noticed(metrics.every_alarm_reaches_its_topic, "FallbackAlarm does not notify AlarmTopicArn")

    def test_a_function_without_its_alarms_is_named(self):
        del self.resources["SweepThrottlesAlarm"]
        self.assert_noticed(metrics.functions_and_queues_have_their_alarms, "SweepFunction has no alarm on Throttles")

    def test_dead_letters_that_a_small_stack_does_not_hear_of_are_named(self):
        self.resources["JobsDeadLettersAgeAlarm"]["Condition"] = "ShopFullyMonitored"
        self.resources["ParkDeadLettersErrorsAlarm"]["Condition"] = "FullyMonitored"
        self.assert_noticed(
            metrics.dead_letters_are_alarmed_whatever_is_made,
            "TrainerAllocatedCacheDeadLetters has no alarm with network: made; transport: SQS; pipelines: course; scale: small",
            "JobsDeadLetters has no alarm with network: made; transport: SQS; pipelines: shop; scale: small",
        )

    def test_a_queue_without_its_alarm_is_named(self):
        del self.resources["JobsQueueAgeAlarm"]
        self.assert_noticed(metrics.functions_and_queues_have_their_alarms, "JobsQueue has no alarm")


class Local(Broken):
    PATTERNS = staticmethod(local.patterns_keep_what_is_local_here)
    SECRETS = staticmethod(local.secrets_are_text_beside_a_local_database_only)
    SANDBOXES = staticmethod(local.sandboxes_stay_in_a_sandbox)
    LISTED = staticmethod(local.every_parameter_of_its_kind_is_in_the_list)

    def test_a_gateway_without_tls_is_named(self):
        self.document["Parameters"]["EsewaBaseUrl"]["AllowedPattern"] = "^https?://.*$"
        self.assert_noticed(self.PATTERNS, "EsewaBaseUrl must not be http://pay.example.com")

    def test_an_unlisted_address_or_secret_is_named(self):
        self.document["Parameters"]["CourierUrl"] = {"Type": "String"}
        self.document["Parameters"]["CourierKey"] = {"Type": "String", "NoEcho": True}
        self.assert_noticed(self.LISTED, "CourierUrl is an address or a secret", "CourierKey is an address or a secret")

    def test_a_database_elsewhere_is_named(self):
        del self.document["Parameters"]["DatabaseDirectUrl"]["AllowedPattern"]
        self.assert_noticed(self.PATTERNS, "DatabaseDirectUrl must not be postgres://me:hush@example.com/makegood")

    def test_a_cache_with_its_login_is_named(self):
        self.document["Parameters"]["RedisUrl"]["AllowedPattern"] = "^-$|^rediss?://.*$"
        self.assert_noticed(self.PATTERNS, "RedisUrl must not be rediss://me:hush@example.com:6379")

    def test_a_secret_as_text_is_named(self):
        self.document["Rules"]["SecretsAreReferences"]["Assertions"].pop()
        self.assert_noticed(self.SECRETS, "ConsoleSecret as text is not refused in a deployed stack")

    def test_a_local_stack_without_its_secrets_is_named(self):
        del self.document["Rules"]["SecretsAreReferences"]["RuleCondition"]
        self.assert_noticed(self.SECRETS, "KhaltiSecret as text is refused in a local stack")

    def test_a_sandbox_in_a_live_stack_is_named(self):
        assertions = self.document["Rules"]["SandboxesStayInASandbox"]["Assertions"]
        del assertions[0], assertions[2]
        self.assert_noticed(self.SANDBOXES, "EsewaProductCode may be EPAYTEST", "KhaltiBaseUrl may be https://dev.khalti.com/api/v2 in a stack that")

    def test_a_sandbox_that_is_no_sandbox_is_named(self):
        del self.document["Rules"]["SandboxesStayInASandbox"]["RuleCondition"]
        self.assert_noticed(self.SANDBOXES, "EsewaProductCode may not be EPAYTEST in a sandbox")

    def test_a_function_that_does_not_know_its_stage_is_named(self):
        del self.properties("SweepFunction")["Environment"]["Variables"]["STAGE"]
        self.assert_noticed(self.SANDBOXES, "sweep knows a merchant, and not in which stage")


class Routes(Broken):
    CHECK = staticmethod(template_check.routes_are_open_to_whom_they_must_be)

    def test_a_console_that_asks_browsers_for_a_header_is_named(self):
        self.properties("OperatorAuthorizer")["IdentitySource"] = ["$request.header.Authorization"]
        self.assert_noticed(self.CHECK, "GET /admin/{proxy+}: the authorizer must name no header")

    def test_a_buyers_route_without_its_token_is_named(self):
        del self.properties("OrderStatusRoute")["AuthorizationType"]
        self.assert_noticed(self.CHECK, "GET /orders/status must ask for a buyer's token")

    def test_an_unlisted_route_is_named(self):
        self.properties("OrderStatusRoute")["RouteKey"] = "GET /orders"
        self.assert_noticed(self.CHECK, "GET /orders")


class Throttles(Broken):
    OWN = staticmethod(throttles.every_route_has_its_own_throttle)

    def settings(self):
        return self.properties("ApiStage")["RouteSettings"]

    def figures(self, scale):
        return self.document["Mappings"]["Throttles"][scale]

    def test_a_route_without_a_throttle_of_its_own_is_named(self):
        del self.settings()["POST /payments/confirmations"], self.settings()["GET /admin/callback"]
        self.assert_noticed(self.OWN, "POST /payments/confirmations has no throttle of its own", "GET /admin/callback has no throttle of its own")

    def test_a_throttle_of_a_route_that_is_not_there_is_named(self):
        self.settings()["GET /orders"] = self.settings()["GET /orders/status"]
        self.assert_noticed(self.OWN, "GET /orders has a throttle and is no route")

    def test_a_dear_route_that_takes_as_much_as_others_is_named(self):
        self.figures("small")["LoginRate"] = self.figures("full")["VerifyRate"] = 250
        self.assert_noticed(self.OWN, "with Scale small, GET /admin/login takes one of few environments", "with Scale full, POST /payments/verify asks a gateway")

    def test_a_burst_below_its_rate_is_named(self):
        self.figures("small")["StatusBurst"] = 5
        self.assert_noticed(self.OWN, "with Scale small, GET /orders/status has a burst of 5 and 50 requests a second")

    def test_a_stranger_who_takes_an_environment_of_the_pages_is_named(self):
        self.properties("AdminLoginRoute")["Target"] = {"Fn::Sub": "integrations/${AdminIntegration}"}
        self.assert_noticed(throttles.strangers_take_no_environment_of_the_pages, "GET /admin/login needs no login and takes environments of admin")

    def test_more_than_a_function_works_off_is_named(self):
        self.figures("small")["VerifyBurst"] = 20
        self.document["Mappings"]["AtOnce"]["full"]["CreateOrderIntent"] = 50
        self.assert_noticed(
            throttles.a_function_can_work_off_what_its_routes_let_in,
            "with Scale small, the routes of verify-payment let 20 requests in at once, which hold 6.4 executions for a second; 5 are reserved",
            "with Scale full, the routes of create-order-intent let 190 requests in at once, which hold 58.9 executions for a second; 50 are reserved",
        )

    def test_routes_of_one_function_are_added_up(self):
        self.figures("small").update(WebhookBurst=600)
        self.assert_noticed(throttles.a_function_can_work_off_what_its_routes_let_in, "the routes of receive-payment let 1300 requests in at once")

    def test_a_route_for_which_the_stage_does_not_wait_is_named(self):
        text = self.properties("ApiStage")["Description"]["Fn::Sub"][1]["Course"]["Fn::If"][1]
        text["Fn::Sub"][0] = text["Fn::Sub"][0].replace("${PaymentConfirmationRoute}", "confirmations")
        self.assert_noticed(throttles.the_stage_waits_for_its_routes, "does not wait for PaymentConfirmationRoute")


class Pipelines(Broken):
    def variables(self, function):
        return self.properties(function)["Environment"]["Variables"]

    def test_a_resource_of_a_shop_that_a_course_has_is_named(self):
        del self.resources["JobsDeadLetters"]["Condition"]
        self.assert_noticed(pipelines.nothing_of_the_other_is_made, "with Pipelines=course JobsDeadLetters is made and speaks of the shop: -jobs")

    def test_a_resource_of_a_course_that_a_shop_has_is_named(self):
        del self.resources["PurchaseConfirmedQueue"]["Condition"]
        self.resources["Cache"]["Condition"] = "InVpc"
        self.assert_noticed(
            pipelines.nothing_of_the_other_is_made,
            "with Pipelines=shop PurchaseConfirmedQueue is made and speaks of the course: -purchase-confirmed",
            "with Pipelines=shop Cache is made and speaks of the course: AWS::ElastiCache::",
        )

    def test_a_schedule_of_a_shop_that_a_course_pays_for_is_named(self):
        del self.resources["SweepFunctionReservations"]["Condition"]
        self.assert_noticed(pipelines.nothing_of_the_other_is_made, 'SweepFunctionReservations is made and speaks of the shop: "sweep":"reservations"')

    def test_a_variable_of_the_other_pipeline_is_named(self):
        self.variables("SweepFunction")["ESEWA_BASE_URL"] = {"Ref": "EsewaBaseUrl"}
        self.variables("AdminFunction")["BUSINESS_WEEKDAYS"] = {"Ref": "BusinessWeekdays"}
        self.assert_noticed(
            pipelines.nothing_of_the_other_is_made,
            "with Pipelines=course SweepFunction is made and speaks of the shop: ESEWA_",
            "with Pipelines=course EsewaBaseUrl is used, and is a parameter of the shop",
            "with Pipelines=shop AdminFunction is made and speaks of the course: BUSINESS_WEEKDAYS",
        )

    def test_a_right_on_a_queue_of_the_other_pipeline_is_named(self):
        self.allow("ParkDeadLettersRole", "sqs:ReceiveMessage", {"Fn::GetAtt": ["JobsDeadLetters", "Arn"]})
        self.assert_noticed(pipelines.nothing_of_the_other_is_made, "with Pipelines=course ParkDeadLettersRole is made and speaks of the shop: -jobs")

    def test_a_topic_of_the_other_pipeline_is_named(self):
        topics = self.properties("SweepRole")["Policies"][0]["PolicyDocument"]["Statement"][-1]["Fn::If"][1]["Resource"]
        topics[-1] = topics[-1]["Fn::If"][1]
        self.assert_noticed(pipelines.nothing_of_the_other_is_made, "with Pipelines=course SweepRole is made and speaks of the shop: topic/${Cluster}/order-refunded")

    def test_what_only_both_have_is_named(self):
        self.resources["JobsQueueAgeAlarm"]["Condition"] = "HasBoth"
        self.assert_noticed(pipelines.nothing_of_its_own_is_missing, "JobsQueueAgeAlarm is made with Pipelines=both alone")

    def test_what_each_has_under_the_name_of_one_is_named(self):
        self.resources["PurchaseSuccessAlarm"]["Condition"] = "Monitored"
        self.assert_noticed(pipelines.nothing_of_its_own_is_missing, "PurchaseSuccessAlarm has the name of one pipeline and is made with each")

    def test_an_unlisted_parameter_of_one_pipeline_is_named(self):
        self.document["Parameters"]["Color"] = {"Type": "String", "Default": "blue"}
        self.variables("OrderStatusFunction")["COLOR"] = {"Ref": "Color"}
        self.assert_noticed(pipelines.every_parameter_has_its_place, "Color is used with Pipelines=shop alone; say so")

    def test_a_function_of_no_pipeline_is_named(self):
        self.resources["NewFunction"] = pickle.loads(pickle.dumps(self.resources["MigrateFunction"]))
        self.resources["NewFunction"]["Metadata"]["BuildProperties"]["Binary"] = "new"
        self.assert_noticed(pipelines.every_function_has_its_place, "new is in the template or in pipelines.FUNCTIONS, and not in both")

    def test_a_function_of_the_other_pipeline_is_named(self):
        del self.resources["TopUpSessionsFunction"]["Condition"]
        self.assert_noticed(pipelines.every_function_has_its_place, "with Pipelines=shop top-up-sessions is made")

    def test_an_output_of_the_other_pipeline_is_named(self):
        del self.document["Outputs"]["PurchaseConfirmedQueueUrl"]["Condition"]
        self.assert_noticed(pipelines.outputs_are_of_what_is_made, "with Pipelines=shop the output PurchaseConfirmedQueueUrl points at PurchaseConfirmedQueue")

    def test_a_parameter_that_is_missed_late_is_named(self):
        assertions = self.document["Rules"]["CourseIsComplete"]["Assertions"]
        self.document["Rules"]["CourseIsComplete"]["Assertions"] = [a for a in assertions if "needs AdminServiceUrl" not in a["AssertDescription"]]
        self.assert_noticed(pipelines.what_is_not_chosen_is_not_asked_for, "with Pipelines=both and without AdminServiceUrl no reason names both it and Pipelines=shop")

    def test_a_parameter_that_everybody_is_asked_for_is_named(self):
        del self.document["Parameters"]["AdminServiceUrl"]["Default"]
        self.document["Rules"]["CourseIsComplete"].pop("RuleCondition")
        self.assert_noticed(
            pipelines.what_is_not_chosen_is_not_asked_for,
            "AdminServiceUrl has no default, so that a shop alone is asked for it",
            "Pipelines=shop with all that it needs is refused: A course needs AdminServiceUrl",
        )

    def test_a_refusal_of_what_waits_is_named(self):
        self.document["Rules"]["ShopIsComplete"].pop("RuleCondition")
        self.assert_noticed(pipelines.what_is_given_for_the_other_waits, "Pipelines=course is refused for half of a shop: A shop needs JwtAudience")

    def test_a_parameter_that_is_used_without_its_pipeline_is_named(self):
        self.document["Conditions"]["HasRazorpayApiSecretArn"] = {"Fn::Not": [{"Fn::Equals": [{"Ref": "RazorpayApiSecretArn"}, ""]}]}
        self.assert_noticed(combinations.every_combination_is_refused_or_works, "RazorpayApiSecretArn is used, and its pipeline is not chosen")

    def test_a_key_of_stripes_that_is_used_without_its_pipeline_is_named(self):
        self.document["Conditions"]["HasStripeApiSecretArn"] = {"Fn::Not": [{"Fn::Equals": [{"Ref": "StripeApiSecretArn"}, ""]}]}
        self.assert_noticed(combinations.every_combination_is_refused_or_works, "StripeApiSecretArn is used, and its pipeline is not chosen")

    def test_settings_of_a_route_that_is_not_there_are_named(self):
        settings = self.properties("ApiStage")["RouteSettings"]
        settings["POST /payments/confirmations"] = settings["POST /payments/confirmations"]["Fn::If"][1]
        self.assert_noticed(pipelines.the_stage_knows_its_routes, "with Pipelines=shop POST /payments/confirmations is no route and has settings")

    def test_a_dashboard_that_is_no_json_without_a_pipeline_is_named(self):
        self.properties("Dashboard")["DashboardBody"]["Fn::Sub"][1]["Comma"] = ","
        self.assert_noticed(pipelines.the_dashboard_can_be_read, "with Pipelines=course Dashboard is no JSON", "with Pipelines=shop Dashboard is no JSON")

    def test_a_choice_that_lets_in_too_much_is_named(self):
        self.document["Mappings"]["Throttles"]["small"]["CheckoutBurst"] = 100
        self.document["Mappings"]["AtOnce"]["small"]["Sweep"] = 90
        self.assert_noticed(
            pipelines.each_choice_keeps_to_the_budget,
            "with Scale small and Pipelines=shop the routes of create-order-intent hold 31.0 executions, 5 are reserved",
            "with Scale small and Pipelines=course the functions take",
        )

    def test_a_function_that_is_built_for_nothing_is_named(self):
        del self.resources["FinalizeOrderFunction"]["Condition"]
        self.assert_noticed(cut.only_the_functions_of_the_choice_are_built, "make build PIPELINES=course builds finalize-order")
        self.resources["FinalizeOrderFunction"]["Condition"] = "HasShop"
        self.resources["SweepFunction"]["Condition"] = "HasShop"
        self.assert_noticed(cut.only_the_functions_of_the_choice_are_built, "make build PIPELINES=course does not build sweep")

    def test_a_branch_that_points_at_what_was_cut_is_named(self):
        self.properties("ApiLogs")["Tags"] = {"Fn::If": ["IsFull", [{"Key": "a", "Value": {"Ref": "JobsQueue"}}], []]}
        self.assert_noticed(cut.nothing_points_at_what_was_cut, "with PIPELINES=course ApiLogs points at JobsQueue, which was cut")

    def test_a_cut_that_takes_the_wrong_branch_is_named(self):
        self.assertEqual(said_of_intact(cut.what_is_deployed_is_the_same), [])
        decide = cut.script().decide
        with unittest.mock.patch.object(cut.script(), "decide", lambda document, choice, rule: decide(document, choice, rule) or False):
            said = "\n".join(cut.what_is_deployed_is_the_same(INTACT))
        self.assertIn("with PIPELINES=course Dashboard is not made", said)

    def test_a_sweep_that_is_not_told_its_pipelines_is_named(self):
        del self.variables("SweepFunction")["PIPELINES"]
        self.assert_noticed(variables.what_a_binary_needs_is_set, "sweep does not start without QUEUE_URL_ORDER_CONFIRMED", "sweep does not start without QUEUE_URL_PURCHASE_CREATED")


class Rollout(Broken):
    def test_a_source_that_goes_past_the_alias_is_named(self):
        self.properties("CreatePurchaseFromQueue")["FunctionName"] = {"Ref": "CreatePurchaseFunction"}
        self.assert_noticed(rollout.everything_starts_the_alias, "CreatePurchaseFromQueue starts create-purchase past its alias")

    def test_a_stage_that_writes_without_a_canary_is_named(self):
        del self.properties("FinalizeOrderFunction")["DeploymentPreference"]
        self.assert_noticed(rollout.stages_that_write_go_out_as_canaries, "finalize-order")

    def test_a_canary_that_goes_back_on_the_old_versions_errors_is_named(self):
        self.properties("CreatePurchaseFunction")["DeploymentPreference"]["Alarms"] = [{"Ref": "CreatePurchaseErrorsAlarm"}]
        self.properties("VerifyPaymentNewVersionAlarm")["Dimensions"].pop()
        self.assert_noticed(
            rollout.stages_that_write_go_out_as_canaries, "create-purchase: its canary goes back on an alarm", "verify-payment: its canary goes back"
        )

    def test_an_alias_that_would_keep_old_parameters_is_named(self):
        del self.properties("VerifyPaymentFunction")["Environment"]["Variables"]["RELEASE"]
        self.assert_noticed(rollout.an_alias_takes_changed_parameters_over, "verify-payment: its alias would keep the old values")

    def test_a_version_that_is_not_made_anew_is_named(self):
        del self.properties("ReceivePaymentFunction")["VersionDescription"]
        self.assert_noticed(rollout.an_alias_takes_changed_parameters_over, "receive-payment: its alias would keep the old values")


class Network(Broken):
    def test_a_description_that_ec2_refuses_is_named(self):
        self.properties("FunctionsReachGivenDatabase")["Description"] = "Makegood's functions"
        self.properties("DataSecurityGroup")["SecurityGroupIngress"][0]["Description"] = "PostgreSQL – TLS"
        self.assert_noticed(template_check.ec2_takes_the_descriptions_of_its_groups, "FunctionsReachGivenDatabase", "DataSecurityGroup")


class Modes(Broken):
    def test_a_resource_that_points_at_one_that_is_not_made_is_named(self):
        del self.resources["DatabaseProxyTargets"]["Condition"]
        self.assert_noticed(modes.every_way_points_only_at_what_is_there, "a proxy is given: DatabaseProxyTargets points at DatabaseProxy")

    def test_a_variable_that_points_at_the_wrong_branch_is_named(self):
        variables = self.properties("SweepFunction")["Environment"]["Variables"]
        variables["DATABASE_PROXY_ENDPOINT"] = {"Fn::GetAtt": ["DatabaseProxy", "Endpoint"]}
        self.assert_noticed(modes.every_way_points_only_at_what_is_there, "local: SweepFunction points at DatabaseProxy")

    def test_a_database_made_beside_a_given_one_is_named(self):
        del self.resources["DatabaseCluster"]["Condition"]
        self.assert_noticed(modes.every_way_makes_what_it_should, "a cluster is given makes 1 of AWS::RDS::DBCluster")

    def test_half_a_set_of_parameters_that_gets_through_is_named(self):
        del self.document["Rules"]["DatabaseByUrlIsComplete"]["Assertions"][1]
        self.assert_noticed(modes.half_a_set_of_parameters_is_refused, "a URL and no cache is not refused")

    def test_a_part_of_the_console_that_is_there_without_it_is_named(self):
        del self.resources["AdminHomeRoute"]["Condition"]
        self.assert_noticed(modes.every_way_points_only_at_what_is_there, "everything is made: AdminHomeRoute points at ConsoleLoginIntegration")

    def test_a_subnet_in_whatever_zone_comes_first_is_named(self):
        self.properties("PrivateSubnetB")["AvailabilityZone"] = {"Fn::Select": [1, {"Fn::GetAZs": ""}]}
        self.assert_noticed(modes.a_network_made_here_is_in_the_zones_that_are_given, "PrivateSubnetB is in")

    def test_a_reservation_that_an_account_of_ten_refuses_is_named(self):
        self.properties("SweepFunction")["ReservedConcurrentExecutions"] = 6
        self.assert_noticed(modes.an_account_can_hold_it, "in an account of ten 6 executions are reserved")

    def test_a_small_stack_that_grew_is_named(self):
        self.document["Mappings"]["AtOnce"]["small"]["OrderStatus"] = 200
        self.assert_noticed(modes.an_account_can_hold_it, "small 263 executions are reserved, at most 80 can be")

    def test_a_second_instance_of_a_small_stack_is_named(self):
        self.resources["DatabaseStandby"]["Condition"] = "MakesDatabase"
        self.assert_noticed(modes.every_way_makes_what_it_should, "everything is made makes 2 of AWS::RDS::DBInstance")

    def test_full_scale_without_reservations_that_gets_through_is_named(self):
        del self.document["Rules"]["FullScaleReserves"]
        self.assert_noticed(modes.half_a_set_of_parameters_is_refused, "full without reservations is not refused")

    def test_a_database_that_a_failed_deployment_leaves_is_named(self):
        self.properties("DatabaseCluster")["DeletionProtection"] = True
        self.assert_noticed(modes.a_new_database_can_be_removed, "with ProtectDatabase=no its deletion protection is True")

    def test_half_a_console_that_gets_through_is_named(self):
        del self.document["Rules"]["ConsoleIsComplete"]
        self.assert_noticed(modes.half_a_set_of_parameters_is_refused, "a console without its client is not refused")


class Combinations(Broken):
    CHECK = staticmethod(combinations.every_combination_is_refused_or_works)

    def test_a_network_of_which_half_is_given_is_named(self):
        del self.document["Rules"]["NetworkIsComplete"]
        self.assert_noticed(
            self.CHECK,
            "network and database with VpcId is accepted: VpcId is given and nothing uses it",
            "network and database with VpcSubnetIds is accepted: DataSecurityGroup points at an empty VpcId",
        )

    def test_a_sentence_that_names_nothing_is_named(self):
        self.document["Rules"]["KafkaIsComplete"]["Assertions"][0]["AssertDescription"] = "This does not work."
        self.assert_noticed(self.CHECK, "kafka with Transport, KafkaBrokers is refused, and no parameter is named")


class Loops(Broken):
    CHECK = staticmethod(loops.every_loop_is_bounded)

    def test_a_loop_that_lambda_would_end_is_named(self):
        del self.properties("FinalizeOrderFunction")["RecursiveLoop"]
        self.assert_noticed(self.CHECK, "finalize-order may go 53 rounds, and Lambda ends them after 16")

    def test_a_new_loop_is_named(self):
        variables = self.properties("ScheduleSessionsFunction")["Environment"]["Variables"]
        variables["QUEUE_URL_PURCHASE_CREATED"] = {"Ref": "PurchaseCreatedAllocationQueue"}
        circle = "PurchaseCreatedAllocationQueue -> allocate-trainer -> TrainerAllocatedSessionsQueue -> schedule-sessions"
        self.assert_noticed(self.CHECK, f"{circle} is a loop that nothing is known to bound")

    def test_a_loop_through_dead_letters_is_named(self):
        self.properties("ParkDeadLettersFunction")["Environment"]["Variables"]["JOBS_QUEUE_URL"] = {"Ref": "JobsQueue"}
        self.assert_noticed(self.CHECK, "JobsDeadLetters -> park-dead-letters -> JobsQueue is a loop")


class Database(Broken):
    def test_a_version_that_is_not_kept_up_is_named(self):
        self.document["Parameters"]["DatabaseVersion"]["Default"] = "16.9"
        self.assert_noticed(database.the_version_is_kept_up, "DatabaseVersion is 16.9 by default")

    def test_a_fixed_version_is_named(self):
        self.properties("DatabaseCluster")["EngineVersion"] = "16.13"
        self.properties("DatabaseSettings")["Family"] = "aurora-postgresql16"
        self.assert_noticed(database.settings_are_those_of_the_version, "DatabaseCluster is made with 16.13", "DatabaseSettings is of the family")

    def test_a_proxy_that_keeps_the_database_awake_is_named(self):
        self.properties("DatabaseProxyTargets")["ConnectionPoolConfigurationInfo"]["MaxIdleConnectionsPercent"] = 40
        self.assert_noticed(database.the_proxy_lets_the_database_rest, "DatabaseProxyTargets keeps 320 connections")


class Domain(Broken):
    def test_a_name_that_is_made_without_one_is_named(self):
        del self.resources["ApiDomain"]["Condition"]
        self.assert_noticed(domain.a_name_leads_to_the_api, "with no name there are 1 names and 0 mappings")

    def test_a_name_that_speaks_old_tls_is_named(self):
        self.properties("ApiDomain")["DomainNameConfigurations"][0]["SecurityPolicy"] = "TLS_1_0"
        self.assert_noticed(domain.a_name_leads_to_the_api, "ApiDomain must be regional and speak TLS 1.2")

    def test_a_name_under_whose_paths_no_function_answers_is_named(self):
        self.properties("ApiDomainMapping")["ApiMappingKey"] = "v1"
        self.assert_noticed(domain.a_name_leads_to_the_api, "ApiDomainMapping must lead to the stage of the API, and under no path")

    def test_an_address_that_does_not_name_the_domain_is_named(self):
        self.document["Outputs"]["ApiUrl"]["Value"] = {"Fn::GetAtt": ["Api", "ApiEndpoint"]}
        self.assert_noticed(domain.the_outputs_say_where_the_api_is, "with DomainName, DomainCertificateArn the output ApiUrl is")

    def test_a_target_that_no_output_says_is_named(self):
        del self.document["Outputs"]["ApiDomainTarget"]
        self.assert_noticed(domain.the_outputs_say_where_the_api_is, "the output ApiDomainTarget is None")

    def test_a_record_without_an_address_is_named(self):
        del self.properties("ApiDomain")["DomainNameConfigurations"][0]["IpAddressType"]
        self.assert_noticed(domain.the_record_is_made_where_its_zone_is_given, "ApiDomain has no IPv6 address")

    def test_a_record_in_no_zone_is_named(self):
        self.resources["ApiDomainRecord"]["Condition"] = "HasDomain"
        self.assert_noticed(domain.the_record_is_made_where_its_zone_is_given, "with DomainName, DomainCertificateArn the records are ['A']")

    def test_an_update_that_closes_the_old_address_is_named(self):
        self.properties("Api")["DisableExecuteApiEndpoint"]["Fn::If"][0] = "HasDomain"
        self.assert_noticed(domain.the_old_address_stays_open_until_it_is_closed, "with a name DisableExecuteApiEndpoint is True")

    def test_a_name_that_is_an_address_is_named(self):
        self.document["Parameters"]["DomainName"]["AllowedPattern"] = ".*"
        self.assert_noticed(domain.a_name_is_a_host_name, "DomainName must not be 'https://pay.example.com'")

    def test_half_a_name_that_gets_through_is_named(self):
        del self.document["Rules"]["DomainIsComplete"]["Assertions"][1], self.document["Rules"]["OneEndpointIsOpen"]
        self.assert_noticed(modes.half_a_set_of_parameters_is_refused, "a name without a certificate is not refused", "no address at all is not refused")
        self.assert_noticed(combinations.every_combination_is_refused_or_works, "domain with DomainName is accepted: DomainName is given and nothing uses it")


class Edge(unittest.TestCase):
    """The same of edge.yaml, the template of what may stand before the API."""

    def setUp(self):
        self.document = edge.load_edge()
        self.config = self.document["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
        self.rules = self.document["Resources"]["Firewall"]["Properties"]["Rules"]

    def assert_noticed(self, check, *words):
        self.assertEqual(said_of_intact(check), [], "edge.yaml as it is must pass")
        said = "\n".join(check(INTACT, self.document))
        for word in words:
            self.assertIn(word, said)

    def test_a_distribution_that_hides_its_name_is_named(self):
        self.config["DefaultCacheBehavior"]["OriginRequestPolicyId"] = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
        self.assert_noticed(edge.it_stands_before_the_api_under_its_name, "must have the API's name and pass Host on")

    def test_a_distribution_that_keeps_answers_is_named(self):
        self.config["DefaultCacheBehavior"]["CachePolicyId"] = "658327ea-f89d-4fab-a63d-7e88639e58f6"
        self.config["DefaultCacheBehavior"]["AllowedMethods"] = ["GET", "HEAD"]
        self.assert_noticed(edge.it_stands_before_the_api_under_its_name, "must keep no answer", "the distribution refuses ['POST']")

    def test_a_distribution_that_waits_too_short_or_speaks_plainly_is_named(self):
        self.config["Origins"][0]["CustomOriginConfig"].update(OriginReadTimeout=10, OriginProtocolPolicy="match-viewer")
        self.config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "allow-all"
        self.assert_noticed(
            edge.it_stands_before_the_api_under_its_name, "waits 10 s, and admin behind GET /admin", "must ask the API's target over TLS", "TLS 1.2 or newer"
        )

    def test_a_distribution_without_its_firewall_is_named(self):
        del self.config["WebACLId"]
        self.assert_noticed(edge.everything_passes_the_firewall, "the distribution has no firewall")

    def test_a_path_that_no_limit_holds_is_named(self):
        self.rules[0]["Action"] = {"Count": {}}
        self.assert_noticed(edge.everything_passes_the_firewall, "/payments/confirmations is held by no limit for each address; it must be RequestsPerSender")

    def test_payment_senders_with_the_limit_of_a_buyer_are_named(self):
        del self.rules[1]["Statement"]["RateBasedStatement"]["ScopeDownStatement"]
        self.assert_noticed(edge.everything_passes_the_firewall, "/payments/webhooks/razorpay is held by")

    def test_a_parameter_that_the_page_does_not_name_is_named(self):
        self.document["Parameters"]["OriginSecret"] = {"Type": "String"}
        self.assert_noticed(edge.the_page_says_what_to_give, "docs/deploy.md does not name OriginSecret")


class Parameters(Broken):
    def test_a_hidden_parameter_that_takes_no_answer_is_named(self):
        self.document["Parameters"]["RedisUrl"]["Default"] = ""
        self.assert_noticed(parameters.hidden_parameters_can_be_left_out, "RedisUrl is asked for ever")

    def test_a_function_that_plans_by_another_week_is_named(self):
        check = parameters.the_calendar_is_handed_to_all_that_look_at_it
        del self.properties("TopUpSessionsFunction")["Environment"]["Variables"]["BUSINESS_WEEKDAYS"]
        self.assert_noticed(check, "top-up-sessions: BUSINESS_WEEKDAYS must be the parameter BusinessWeekdays")
        self.properties("AdminFunction")["Environment"]["Variables"]["BUSINESS_WEEKDAYS"] = "Mon-Fri"
        self.assert_noticed(check, "admin: BUSINESS_WEEKDAYS must be the parameter BusinessWeekdays")
        self.properties("CreatePurchaseFunction")["Environment"]["Variables"]["BUSINESS_WEEKDAYS"] = {"Ref": "BusinessWeekdays"}
        self.assert_noticed(check, "create-purchase: BUSINESS_WEEKDAYS must be left out")


class ReadingTheSources(unittest.TestCase):
    def test_an_emission_is_read_with_its_labels_over_several_lines(self):
        code = 'metrics::gauge!(\n    "PaidUnfulfilled",\n    "Pipeline" => "course"\n)\n.set(value(1));'
        found, problems = sources.metrics_in({"functions/sweep/src/lib.rs": code})
        self.assertEqual(found, {sources.Metric("gauge", "PaidUnfulfilled", "sweep", frozenset({("Pipeline", "course")}))})
        self.assertEqual(problems, [])

    def test_a_name_that_can_not_be_read_is_a_problem(self):
        _, problems = sources.metrics_in({"shared/makegood/src/a.rs": "metrics::counter!(NAME).increment(1);"})
        self.assertIn("must be a literal, not NAME", problems[0])

    def test_an_imported_macro_is_a_problem(self):
        _, problems = sources.metrics_in({"shared/makegood/src/a.rs": 'use metrics::counter;\ncounter!("A").increment(1);'})
        self.assertIn("write metrics::counter!(…) in full", problems[0])

    def test_comments_and_tests_emit_nothing(self):
        text = '// metrics::counter!("A")\nlet url = "http://x";\n#[cfg(test)]\nmod tests { fn f() { metrics::counter!("B"); } }'
        code = sources.without_tests(sources.without_comments(text))
        self.assertEqual(sources.metrics_in({"shared/makegood/src/a.rs": code})[0], set())
        self.assertIn('"http://x"', code)

    def test_a_client_without_limits_is_a_problem(self):
        made = {"functions/x/src/main.rs": "let sqs = aws_sdk_sqs::Client::new(&aws);", "shared/makegood/src/limits/aws.rs": "aws_config::defaults(latest)"}
        (problem,) = sources.unlimited_clients(made)
        self.assertIn("functions/x/src/main.rs makes a client of AWS by itself", problem)

    def test_a_new_client_of_aws_is_a_problem(self):
        said = list(sources.unknown_clients({"shared/makegood/src/a.rs": "aws_sdk_dynamodb::Client::new(aws)"}))
        self.assertIn("aws_sdk_dynamodb", said[0])


if __name__ == "__main__":
    unittest.main()
